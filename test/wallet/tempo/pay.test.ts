import { zeroAddress } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { Account, Actions } from 'viem/tempo'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isPaymentError } from '../../../src/errors/index.js'
import { type TempoAccount, type TempoOptions, tempo } from '../../../src/wallet/tempo/index.js'
import {
  ACCOUNTS,
  addressOf,
  alphaUSD,
  CHAIN_ID,
  type Chain,
  clientFor,
  pathUSD,
  startChain,
} from '../../chain/chain.js'
import { type PaidApi, PRICE, SPLIT, startPaidApi } from '../../chain/server.js'
import {
  authorize,
  CHANNELS,
  challenge,
  complete,
  context,
  offerOf,
  offersIn,
  pay,
  payable,
  prepare,
  referenceIn,
  send,
  unpayable,
} from './harness.js'

let chain: Chain
let api: PaidApi

beforeAll(async () => {
  chain = await startChain()
  api = await startPaidApi({ chain })
})
afterAll(async () => {
  await api?.close()
  await chain?.stop()
})

/** A wallet on a new account, and what it did: signatures and RPC calls. */
async function walletOf(more: Partial<TempoOptions> = {}, funds = 1_000_000n) {
  const account = await chain.account(funds)
  const did = { signatures: 0, rpc: [] as string[] }
  const counted: TempoAccount = {
    ...account,
    async sign(parameters) {
      did.signatures++
      return account.sign?.(parameters) ?? '0x'
    },
  }
  const watched: typeof fetch = (input, init) => {
    did.rpc.push(JSON.parse(String(init?.body)).method)
    return fetch(input, init)
  }
  const wallet = tempo({
    account: counted,
    rpc: { [CHAIN_ID]: chain.url },
    fetch: watched,
    ...more,
  })
  return { account, did, wallet }
}

const held = (account: { readonly address: string }) => chain.balanceOf(alphaUSD, account.address)

describe('a charge', () => {
  test('by pull: the payee gets the price, the payer pays it and a fee within the bound', async () => {
    const { wallet, account, did } = await walletOf()
    const [payer, payee] = [await held(account), await held(ACCOUNTS.payee)]
    const { response, evidence, quote } = await pay(wallet, api.url('/paid'))
    expect(response.status).toBe(200)
    expect((await held(ACCOUNTS.payee)) - payee).toBe(PRICE)
    const fee = payer - (await held(account)) - PRICE
    expect(fee).toBeGreaterThan(0n)
    expect(fee).toBeLessThanOrEqual(quote.terms.fee?.bound.value ?? 0n)
    expect(did.signatures).toBe(1)
    const reference = referenceIn(response) ?? ''
    expect(evidence.refs).toContain(reference)
    expect(wallet.matchesReceipt?.(evidence, reference)).toBe(true)
    expect(wallet.matchesReceipt?.(evidence, `0x${'00'.repeat(32)}`)).toBe(false)
    expect(await wallet.inspect(evidence)).toMatchObject({ state: 'settled', reference, fee: { value: fee } })
  })

  test('on a lane: expensive the first time, cheaper than an expiring nonce from then on', async () => {
    const { wallet } = await walletOf()
    const fees: bigint[] = []
    for (const value of [0n, 1n, 2n]) {
      const { response, evidence } = await pay(wallet, api.url('/paid'), { lane: { name: 'a lane', value } })
      expect(response.status).toBe(200)
      const verdict = await wallet.inspect(evidence)
      expect(verdict).toMatchObject({ state: 'settled', lane: value + 1n })
      const hash = referenceIn(response)
      const receipt = await chain.rpc('eth_getTransactionReceipt', [hash])
      fees.push(BigInt(String((receipt as { gasUsed: string }).gasUsed)))
    }
    const [fresh = 0n, second = 0n, third = 0n] = fees
    expect(fresh).toBeGreaterThan(200_000n)
    expect(second).toBeLessThan(50_000n)
    // The same but for what a zero byte in what is signed costs less than another.
    const drift = third > second ? third - second : second - third
    expect(drift).toBeLessThan(1_000n)
  })

  test('sponsored: the payer pays only the price, and the transfer is found by its memo', async () => {
    const { wallet, account } = await walletOf()
    const payer = await held(account)
    const { response, evidence, quote } = await pay(wallet, api.url('/sponsored'), {
      lane: { name: 'never used', value: 9n },
    })
    expect(response.status).toBe(200)
    expect(quote.terms.fee).toBeUndefined()
    expect(quote.lane).toBeUndefined()
    expect(payer - (await held(account))).toBe(PRICE)
    const reference = referenceIn(response) ?? ''
    expect(evidence.refs).not.toContain(reference)
    expect(wallet.matchesReceipt?.(evidence, reference)).toBeUndefined()
    const verdict = await wallet.inspect(evidence)
    expect(verdict).toMatchObject({ state: 'settled', reference })
    expect(verdict).not.toHaveProperty('fee')
  })

  test('with splits: each payee gets its part', async () => {
    const { wallet } = await walletOf()
    const before = [await held(ACCOUNTS.payee), await held(ACCOUNTS.split)]
    const { response, quote, evidence } = await pay(wallet, api.url('/splits'))
    expect(response.status).toBe(200)
    const after = [await held(ACCOUNTS.payee), await held(ACCOUNTS.split)]
    expect(after.map((value, index) => value - (before[index] ?? 0n))).toEqual([2n * PRICE, SPLIT])
    expect(quote.terms.most.value).toBe(2n * PRICE + SPLIT)
    expect(quote.terms.payees.map(({ id, amount }) => [id, amount.value])).toEqual([
      [ACCOUNTS.payee.address.toLowerCase(), 2n * PRICE],
      [ACCOUNTS.split.address.toLowerCase(), SPLIT],
    ])
    expect(await wallet.inspect(evidence)).toMatchObject({ state: 'settled' })
  })

  test('of zero: a proof of identity, without fee, node or lane', async () => {
    const { wallet, account, did } = await walletOf({}, 0n)
    const { response, quote, evidence } = await pay(wallet, api.url('/zero'))
    expect(response.status).toBe(200)
    expect(quote.terms).toMatchObject({ purpose: 'prove', most: { value: 0n }, payees: [] })
    expect(quote.terms.fee).toBeUndefined()
    expect(did).toEqual({ signatures: 1, rpc: [] })
    expect(await held(account)).toBe(0n)
    expect(wallet.matchesReceipt?.(evidence, referenceIn(response) ?? '')).toBe(true)
    expect(await wallet.inspect(evidence)).toMatchObject({ state: 'void' })
  })

  test('by push, if the server accepts nothing else', async () => {
    const { wallet, account, did } = await walletOf()
    const [payer, payee] = [await held(account), await held(ACCOUNTS.payee)]
    const offer = await offerOf(api.url('/push'))
    const prepared = await prepare(wallet, offer, { lane: { name: 'pushed', value: 0n } })
    expect(did.rpc.filter((method) => method.startsWith('eth_send'))).toEqual([])
    expect(await held(ACCOUNTS.payee)).toBe(payee)
    const { credential } = await complete(prepared)
    expect(credential.payload['type']).toBe('hash')
    expect((await held(ACCOUNTS.payee)) - payee).toBe(PRICE)
    const response = await send(api.url('/push'), credential)
    expect(response.status).toBe(200)
    expect(wallet.matchesReceipt?.(prepared.evidence, referenceIn(response) ?? '')).toBe(true)
    expect(payer - (await held(account))).toBeGreaterThan(PRICE)
  })

  test('by push, if the wallet allows nothing else', async () => {
    const { wallet } = await walletOf({ mode: 'push' })
    expect((await pay(wallet, api.url('/paid'))).response.status).toBe(200)
    const refused = unpayable(await wallet.quote(await offerOf(api.url('/pull')), context()))
    expect(refused.unpayable).toMatch(/does not take push/)
  })

  test.each(['/external', '/offers', '/price/0.000001'])('as asked by %s', async (route) => {
    const { wallet } = await walletOf()
    expect((await pay(wallet, api.url(route))).response.status).toBe(200)
  })

  test('several offers are quoted one by one', async () => {
    const { wallet } = await walletOf()
    const offers = offersIn(await fetch(api.url('/offers')))
    const quotes = await Promise.all(offers.map((offer) => wallet.quote(offer, context())))
    expect(quotes.map((quote) => payable(quote).terms.most.currency.symbol)).toEqual(['AlphaUSD', 'pathUSD'])
  })

  test('pays its fee in the configured token', async () => {
    const { wallet, account } = await walletOf({ feeToken: { [CHAIN_ID]: addressOf(pathUSD) } })
    const before = await chain.balanceOf(pathUSD, account.address)
    const { response, quote } = await pay(wallet, api.url('/paid'))
    expect(response.status).toBe(200)
    expect(await held(account)).toBe(1_000_000n - PRICE)
    expect(quote.terms.fee?.bound.currency.id).toBe(pathUSD.id)
    expect(await chain.balanceOf(pathUSD, account.address)).toBeLessThan(before)
  })
})

describe('an access key', () => {
  test('pays from its root, and proves the root', async () => {
    const root = await chain.account(1_000_000n)
    const rootAccount = Account.fromSecp256k1(root.key)
    const accessKey = Account.fromSecp256k1(generatePrivateKey(), { access: rootAccount })
    await Actions.accessKey.authorizeSync(clientFor(chain.url, rootAccount), {
      accessKey,
      expiry: Math.floor(Date.now() / 1000) + 3600,
      limits: [{ token: addressOf(alphaUSD), limit: 500_000n }],
      feeToken: addressOf(alphaUSD),
      gas: 3_000_000n,
    })
    const wallet = tempo({ account: accessKey, rpc: { [CHAIN_ID]: chain.url } })
    expect(wallet.id).toBe(`tempo:${root.address.toLowerCase()}`)
    for (const route of ['/paid', '/sponsored', '/zero']) {
      const before = await held(root)
      const { response, credential, evidence } = await pay(wallet, api.url(route))
      expect([route, response.status]).toEqual([route, 200])
      expect(credential.source).toBe(`did:pkh:eip155:${CHAIN_ID}:${root.address}`)
      if (route === '/paid') expect(before - (await held(root))).toBeGreaterThan(PRICE)
      if (route !== '/zero') expect(await wallet.inspect(evidence)).toMatchObject({ state: 'settled' })
    }
  })
})

describe('round trips', () => {
  test('none in steady state, and none in addition to the payment while the node is down', async () => {
    let down = false
    const calls: string[] = []
    const gate: typeof fetch = (input, init) => {
      calls.push(JSON.parse(String(init?.body)).method)
      return down ? Promise.reject(new TypeError('down')) : fetch(input, init)
    }
    const { wallet } = await walletOf({ fetch: gate })
    await pay(wallet, api.url('/paid'))
    expect(calls).toEqual(['eth_chainId', 'eth_call'])
    down = true
    for (let count = 0; count < 5; count++)
      expect((await pay(wallet, api.url('/paid'))).response.status).toBe(200)
    expect(calls).toEqual(['eth_chainId', 'eth_call'])
    // Much later the balance is stale: it is read again beside the payment, which goes on by the old one.
    const later = Date.now() + 120_000
    const quote = await wallet.quote(
      challenge(request(), { expires: later + 60_000 }),
      context({ now: later }),
    )
    expect(payable(quote).terms.most.value).toBe(PRICE)
  })

  test('a wallet whose node never answered still pays: the server has one', async () => {
    const { wallet } = await walletOf({ fetch: () => Promise.reject(new TypeError('down')) })
    const { response, evidence } = await pay(wallet, api.url('/paid'))
    expect(response.status).toBe(200)
    expect(await wallet.inspect(evidence)).toMatchObject({ state: 'unknown' })
  })
})

const request = (more: object = {}) => ({
  amount: PRICE.toString(),
  currency: addressOf(alphaUSD),
  recipient: ACCOUNTS.payee.address,
  methodDetails: { chainId: CHAIN_ID },
  ...more,
})

/** No other token pays a fee. */
const IN_ALPHA = { feeToken: { [CHAIN_ID]: addressOf(alphaUSD) } }

describe('missing funds', () => {
  test('are reported before anything is signed, price and fee bound together', async () => {
    const { wallet, did } = await walletOf(IN_ALPHA, 15_000n)
    const refused = unpayable(await wallet.quote(challenge(request()), context()))
    expect(refused.code).toBe('insufficient_funds')
    expect(refused.unpayable).toMatch(/holds 0.015 AlphaUSD.*needs 0.01 AlphaUSD and up to 0.0206 AlphaUSD/)
    expect(did.signatures).toBe(0)
  })

  test('are read again before they are reported', async () => {
    const { wallet, account } = await walletOf(IN_ALPHA, 15_000n)
    unpayable(await wallet.quote(challenge(request()), context()))
    await chain.fund(account.address, alphaUSD, 1_000_000n)
    payable(await wallet.quote(challenge(request()), context()))
  })
})

describe('two on one lane', () => {
  test('exactly one is included, and each finds its own result', async () => {
    const { wallet, account } = await walletOf()
    const lane = { name: 'shared', value: 0n }
    const payee = await held(ACCOUNTS.payee)
    const first = await prepare(wallet, await offerOf(api.url('/paid')), { lane })
    const second = await prepare(wallet, await offerOf(api.url('/paid')), { after: first.evidence })
    expect(second.quote.replaces).toEqual(lane)
    expect(second.quote.lane).toEqual({ names: ['shared'], otherwise: 'wait' })
    const won = await send(api.url('/paid'), (await complete(second)).credential)
    expect(won.status).toBe(200)
    const loser = (await complete(first)).credential.payload['signature']
    await chain.rpc('eth_sendRawTransaction', [loser]).catch(() => 'refused: as good as never included')
    await chain.mine(2)
    expect((await held(ACCOUNTS.payee)) - payee).toBe(PRICE)
    expect(await wallet.inspect(second.evidence)).toMatchObject({ state: 'settled', lane: 1n })
    expect(await held(account)).toBeLessThan(1_000_000n - PRICE)
  })

  test('a second payment uses exactly that lane and nonce', async () => {
    const { wallet, did } = await walletOf()
    const first = await prepare(wallet, challenge(request()), { lane: { name: 'shared', value: 4n } })
    const quote = payable(
      await wallet.quote(challenge(request()), context({ earlierEvidence: first.evidence })),
    )
    const signatures = did.signatures
    for (const lane of [
      { name: 'shared', value: 5n },
      { name: 'another', value: 4n },
    ])
      await expect(
        wallet.prepare(authorize(quote, { lane }), { now: Date.now(), channels: CHANNELS }),
      ).rejects.toThrow(/exclude/)
    expect(did.signatures).toBe(signatures)
    await wallet.prepare(authorize(quote), { now: Date.now(), channels: CHANNELS })
    expect(did.signatures).toBe(signatures + 1)
  })

  test('if nothing excludes the first, the second waits until it expires', async () => {
    const { wallet } = await walletOf()
    const now = Date.now()
    const lane = { name: 'shared', value: 0n }
    const sponsored = request({ methodDetails: { chainId: CHAIN_ID, feePayer: true } })
    const expiring = await prepare(wallet, challenge(request()), { now })
    const onLane = await prepare(wallet, challenge(request()), { now, lane })
    const bySponsor = await prepare(wallet, challenge(sponsored), { now })
    for (const [after, next] of [
      [expiring, request()],
      [bySponsor, request()],
      [onLane, sponsored],
    ] as const) {
      const refused = unpayable(
        await wallet.quote(challenge(next), context({ earlierEvidence: after.evidence })),
      )
      expect(refused.earlierExpiresAt).toBeGreaterThan(now + 14_000)
      expect(refused.earlierExpiresAt).toBeLessThan(now + 20_000)
    }
  })
})

describe('nothing is sent before it is committed', () => {
  test('a discarded payment was signed once and never sent', async () => {
    const { wallet, did, account } = await walletOf()
    const prepared = await prepare(wallet, challenge(request()))
    await prepared.discard()
    await expect(complete(prepared)).rejects.toThrow(/discarded/)
    expect(did).toEqual({ signatures: 1, rpc: ['eth_chainId', 'eth_call'] })
    expect(await held(account)).toBe(1_000_000n)
  })

  test('an abort before signing signs nothing; an abort while signing does not wait for the signer', async () => {
    const { wallet, did } = await walletOf()
    const reason = new Error('the caller left')
    await expect(prepare(wallet, challenge(request()), { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
    expect(did.signatures).toBe(0)

    const { account } = await walletOf()
    const leaving = new AbortController()
    const slow = tempo({
      account: { ...account, sign: () => new Promise<never>(() => leaving.abort(reason)) },
      rpc: { [CHAIN_ID]: chain.url },
    })
    await expect(prepare(slow, challenge(request()), { signal: leaving.signal })).rejects.toBe(reason)
  })

  test('a signer that fails is a harmless failure that quotes nothing', async () => {
    const { account } = await walletOf()
    const broken = tempo({
      account: { ...account, sign: () => Promise.reject(new Error(`cannot sign with ${account.key}`)) },
      rpc: { [CHAIN_ID]: chain.url },
    })
    const error = await prepare(broken, challenge(request())).catch((failure: unknown) => failure)
    expect(isPaymentError(error, 'wallet_failed')).toBe(true)
    expect(`${error} ${JSON.stringify(error)} ${String((error as Error).cause)}`).not.toContain(
      account.key.slice(2),
    )
  })

  test('terms that differ from the challenge are not signed', async () => {
    const { wallet, did } = await walletOf()
    const quote = payable(await wallet.quote(challenge(request()), context()))
    const other = challenge(request({ recipient: ACCOUNTS.spare.address }))
    const forged = [
      { ...quote, challenge: other },
      { ...quote, challenge: challenge(request({ amount: '10001' })) },
      { ...quote, challenge: challenge(request({ currency: addressOf(pathUSD) })) },
      { ...quote, wallet: `tempo:${zeroAddress}` },
    ]
    for (const quote of forged)
      await expect(wallet.prepare(authorize(quote), { now: Date.now(), channels: CHANNELS })).rejects.toThrow(
        /nothing was signed/,
      )
    expect(did.signatures).toBe(0)
  })
})
