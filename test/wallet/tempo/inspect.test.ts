import { type LocalAccount, maxUint256 } from 'viem'
import { Actions, Transaction } from 'viem/tempo'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Evidence, LaneGrant } from '../../../src/ledger/index.js'
import type { JsonObject } from '../../../src/protocol/index.js'
import type { Wallet } from '../../../src/wallet/index.js'
import { type TempoOptions, tempo } from '../../../src/wallet/tempo/index.js'
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
import { challenge, complete, prepare } from './harness.js'

let chain: Chain
beforeAll(async () => {
  chain = await startChain()
})
afterAll(async () => chain?.stop())

const PRICE = 10_000n
const charge = (details: JsonObject = {}, amount = PRICE): JsonObject => ({
  amount: amount.toString(),
  currency: addressOf(alphaUSD),
  recipient: ACCOUNTS.payee.address,
  methodDetails: { chainId: CHAIN_ID, ...details },
})

async function walletOf(funds = 1_000_000n, more: Partial<TempoOptions> = {}) {
  const account = await chain.account(funds)
  const rpc = { [CHAIN_ID]: chain.url }
  // This chain's clock is moved by hand: nobody's local clock may matter.
  const wallet = tempo({ account, rpc, now: () => 0, ...more })
  return { account, wallet }
}

/** A signed charge that was never sent, by the chain's own time. */
async function signed(wallet: Wallet, lane?: LaneGrant, details?: JsonObject, amount?: bigint) {
  const now = (await chain.time()) * 1000
  const prepared = await prepare(wallet, challenge(charge(details, amount), { expires: now + 60_000 }), {
    now,
    ...(lane ? { lane } : {}),
  })
  const { credential } = await complete(prepared)
  return { evidence: prepared.evidence, raw: credential.payload['signature'] }
}

/** Puts a transaction into a block at once. */
async function include(raw: unknown): Promise<void> {
  await chain.rpc('eth_sendRawTransaction', [raw])
  await chain.mine(1)
}

/** Moves the chain's time past every credential that was signed, and makes that final. */
async function expire(): Promise<void> {
  await chain.mine(1, 20)
  await chain.mine(3)
}

/** Takes money away after payments were signed, so that there is enough for the fee and not for the price. */
async function drain(account: LocalAccount, amount: bigint): Promise<void> {
  await Actions.token.transferSync(clientFor(chain.url, account), {
    amount,
    to: ACCOUNTS.spare.address,
    token: addressOf(alphaUSD),
    feeToken: addressOf(pathUSD),
    nonceKey: 7n,
    gas: 1_200_000n,
  })
}

const field = (evidence: Evidence, name: string) =>
  typeof evidence.detail === 'object' && evidence.detail !== null && name in evidence.detail
    ? (evidence.detail as JsonObject)[name]
    : undefined

const lane = (name: string, value = 0n): LaneGrant => ({ name, value })

describe('never sent', () => {
  test.each([
    ['on an expiring nonce', undefined, {}],
    ['on a fresh lane', lane('fresh'), {}],
    ['sponsored', undefined, { feePayer: true }],
  ] as const)(
    '%s: pending while it could be included, void at a final block past its end',
    async (_, on, details) => {
      const { wallet } = await walletOf()
      const { evidence } = await signed(wallet, on, details)
      const waiting = await wallet.inspect(evidence)
      expect(waiting.state).toBe('pending')
      if (waiting.state === 'pending') expect(waiting.recheckAt).toBe(evidence.recheckAt)
      await expire()
      const verdict = await wallet.inspect(evidence)
      expect(verdict.state).toBe('void')
      expect(verdict).not.toHaveProperty('fee')
      if (on !== undefined) expect(verdict).toHaveProperty('lane', 0n)
    },
  )

  test('a block past its end that is not final proves nothing yet', async () => {
    const { wallet } = await walletOf()
    const { evidence } = await signed(wallet)
    await chain.mine(1, 20)
    const final = await chain.rpc('eth_getBlockByNumber', ['finalized', false])
    expect(Number((final as { timestamp: string }).timestamp)).toBeLessThan(
      Number(field(evidence, 'validBefore')),
    )
    expect((await wallet.inspect(evidence)).state).toBe('pending')
    await chain.mine(3)
    expect((await wallet.inspect(evidence)).state).toBe('void')
  })

  test('a lane whose nonce the chain has not reached: void, with the real nonce', async () => {
    const { wallet } = await walletOf()
    const { evidence } = await signed(wallet, lane('restored from a backup', 7n))
    await expire()
    expect(await wallet.inspect(evidence)).toMatchObject({ state: 'void', lane: 0n })
  })
})

describe('included', () => {
  test.each([
    ['on an expiring nonce', undefined],
    ['on a lane', lane('used')],
  ] as const)('%s: settled at once, and for good', async (_, on) => {
    const { wallet, account } = await walletOf()
    const before = await chain.balanceOf(alphaUSD, account.address)
    const { evidence, raw } = await signed(wallet, on)
    await include(raw)
    const fee = before - (await chain.balanceOf(alphaUSD, account.address)) - PRICE
    const expected = { state: 'settled', reference: field(evidence, 'hash'), fee: { value: fee } }
    expect(await wallet.inspect(evidence)).toMatchObject({ ...expected, ...(on ? { lane: 1n } : {}) })
    await expire()
    expect(await wallet.inspect(evidence)).toMatchObject(expected)
  })

  test('another process with the same account proves it from the stored evidence', async () => {
    const { wallet, account } = await walletOf()
    const { evidence, raw } = await signed(wallet, lane('another process'))
    await include(raw)
    const stored = JSON.parse(JSON.stringify(evidence)) as Evidence
    const other = tempo({ account, rpc: { [CHAIN_ID]: chain.url } })
    expect(await other.inspect(stored)).toEqual(await wallet.inspect(evidence))
  })

  test('evidence that names another payee, amount or memo is not proven by it', async () => {
    const { wallet } = await walletOf()
    const { evidence, raw } = await signed(wallet)
    await include(raw)
    const detail = evidence.detail as JsonObject
    for (const change of [
      { memo: `0x${'11'.repeat(32)}` },
      { transfers: [{ to: ACCOUNTS.spare.address.toLowerCase(), amount: '10000' }] },
      { transfers: [{ to: ACCOUNTS.payee.address.toLowerCase(), amount: '10001' }] },
      { token: `0x20c${'0'.repeat(37)}` },
    ])
      expect(await wallet.inspect({ ...evidence, detail: { ...detail, ...change } })).toMatchObject({
        state: 'unknown',
      })
  })
})

describe('included and failed', () => {
  async function failing(on?: LaneGrant) {
    const { wallet, account } = await walletOf(600_000n)
    const made = await signed(wallet, on, {}, 500_000n)
    await drain(account, 560_000n)
    return { wallet, account, ...made }
  }

  test.each([
    ['on an expiring nonce', undefined],
    ['on a lane', lane('fails')],
  ] as const)('%s: the fee burnt; void once that is final', async (_, on) => {
    const { wallet, account, evidence, raw } = await failing(on)
    const before = await chain.balanceOf(alphaUSD, account.address)
    await include(raw)
    const receipt = await chain.rpc('eth_getTransactionReceipt', [field(evidence, 'hash')])
    expect(receipt).toMatchObject({ status: '0x0' })
    const fee = before - (await chain.balanceOf(alphaUSD, account.address))
    expect(fee).toBeGreaterThan(0n)
    await expire()
    expect(await wallet.inspect(evidence)).toMatchObject({
      state: 'void',
      fee: { value: fee },
      ...(on ? { lane: 1n } : {}),
    })
  })
})

describe('sponsored', () => {
  /** What a server does with a sponsored charge. */
  async function sponsor(raw: unknown): Promise<unknown> {
    const half = Transaction.deserialize(String(raw) as `0x76${string}`)
    return Transaction.serialize({ ...half, feePayer: ACCOUNTS.sponsor, feeToken: addressOf(pathUSD) })
  }

  test('included: found by its memo, without a fee of ours', async () => {
    const { wallet } = await walletOf()
    const { evidence, raw } = await signed(wallet, undefined, { feePayer: true })
    await include(await sponsor(raw))
    const verdict = await wallet.inspect(evidence)
    expect(verdict.state).toBe('settled')
    expect(verdict).not.toHaveProperty('fee')
    await expire()
    expect(await wallet.inspect(evidence)).toEqual(verdict)
  })

  test('included and failed: found in its block, and void once the block is final', async () => {
    const { wallet, account } = await walletOf(600_000n)
    const { evidence, raw } = await signed(wallet, undefined, { feePayer: true }, 500_000n)
    await drain(account, 560_000n)
    await include(await sponsor(raw))
    expect((await wallet.inspect(evidence)).state).toBe('pending')
    await expire()
    const verdict = await wallet.inspect(evidence)
    expect(verdict).toMatchObject({ state: 'void', reason: expect.stringMatching(/failed on the chain/) })
    expect(verdict).not.toHaveProperty('fee')
  })

  test('co-signed twice: settles once', async () => {
    const { wallet, account } = await walletOf()
    const { evidence, raw } = await signed(wallet, undefined, { feePayer: true })
    const half = Transaction.deserialize(String(raw) as `0x76${string}`)
    for (const feePayer of [ACCOUNTS.sponsor, ACCOUNTS.spare]) {
      const whole = await Transaction.serialize({ ...half, feePayer, feeToken: addressOf(pathUSD) })
      await include(whole).catch(() => 'refused: as good as never included')
    }
    await chain.mine(2)
    expect(await chain.balanceOf(alphaUSD, account.address)).toBe(1_000_000n - PRICE)
    expect((await wallet.inspect(evidence)).state).toBe('settled')
  })
})

describe('two on one lane', () => {
  test('the loser is void even if the winner failed', async () => {
    const { wallet, account } = await walletOf(600_000n)
    const first = await signed(wallet, lane('both fail'), {}, 500_000n)
    const second = await signed(wallet, lane('both fail'), {}, 500_000n)
    await drain(account, 560_000n)
    await include(second.raw)
    await expire()
    expect(await wallet.inspect(second.evidence)).toMatchObject({ state: 'void', lane: 1n })
    expect(await wallet.inspect(first.evidence)).toMatchObject({ state: 'void', lane: 1n })
  })

  test('the loser is void because the winner is shown to have used its nonce', async () => {
    const { wallet } = await walletOf()
    const [first, second] = [await signed(wallet, lane('shared')), await signed(wallet, lane('shared'))]
    await include(second.raw)
    expect((await wallet.inspect(first.evidence)).state).toBe('pending')
    await expire()
    expect(await wallet.inspect(second.evidence)).toMatchObject({ state: 'settled', lane: 1n })
    expect(await wallet.inspect(first.evidence)).toMatchObject({
      state: 'void',
      reason: 'Another transaction used its nonce',
      lane: 1n,
    })
  })

  test('a used nonce without its transaction proves nothing', async () => {
    const { account, wallet } = await walletOf()
    const { evidence } = await signed(wallet, lane('hidden'))
    const { raw } = await signed(wallet, lane('hidden'))
    await include(raw)
    await expire()
    const blind = tempo({ account, rpc: { [CHAIN_ID]: chain.url }, fetch: without('eth_getLogs') })
    expect((await blind.inspect(evidence)).state).toBe('unknown')
  })
})

describe('a seen hash that the chain may forget', () => {
  test('is read at the last block that could have included it, not at a later one', async () => {
    const { wallet } = await walletOf()
    const { evidence, raw } = await signed(wallet)
    await include(raw)
    await expire()
    const asked: unknown[] = []
    const watch: typeof fetch = async (input, init) => {
      const body = JSON.parse(String(init?.body))
      if (body.method === 'eth_getTransactionReceipt')
        return Response.json({ jsonrpc: '2.0', id: body.id, result: null })
      if (body.method === 'eth_getStorageAt') asked.push(body.params[2].blockHash)
      return fetch(input, init)
    }
    const { account } = await walletOf(0n)
    const other = tempo({ account, rpc: { [CHAIN_ID]: chain.url }, fetch: watch })
    // Included, and this node hides the receipt: not void, and not settled without proof.
    expect((await other.inspect(evidence)).state).toBe('pending')
    const block = (await chain.rpc('eth_getBlockByHash', [asked[0], false])) as {
      timestamp: string
      number: string
    }
    const next = (await chain.rpc('eth_getBlockByNumber', [
      `0x${(Number(block.number) + 1).toString(16)}`,
      false,
    ])) as {
      timestamp: string
    }
    const validBefore = Number(field(evidence, 'validBefore'))
    expect(Number(block.timestamp)).toBeLessThan(validBefore)
    expect(Number(next.timestamp)).toBeGreaterThanOrEqual(validBefore)
  })
})

/** A node that answers one method with an error. */
function without(method: string): typeof fetch {
  return async (input, init) => {
    const body = JSON.parse(String(init?.body))
    if (body.method !== method) return fetch(input, init)
    return Response.json({ jsonrpc: '2.0', id: body.id, error: { code: -32601, message: 'no such method' } })
  }
}

describe('nodes', () => {
  const dead = 'http://127.0.0.1:9'

  test('none answers: unknown, and the payment still counts', async () => {
    const { account, wallet } = await walletOf()
    const { evidence } = await signed(wallet)
    await expire()
    const cut = tempo({ account, rpc: { [CHAIN_ID]: dead } })
    expect(await cut.inspect(evidence)).toMatchObject({ state: 'unknown' })
  })

  test('those that answer must agree on a void; one that is down is ignored', async () => {
    const { account, wallet } = await walletOf()
    const { evidence } = await signed(wallet)
    await expire()
    const half = tempo({ account, rpc: { [CHAIN_ID]: [dead, chain.url] } })
    expect((await half.inspect(evidence)).state).toBe('void')
    // The second node is behind: its finalized block is an old one.
    const behind: typeof fetch = async (input, init) => {
      const body = JSON.parse(String(init?.body))
      if (!String(input).includes('behind') || body.params[0] !== 'finalized') return fetch(chain.url, init)
      return fetch(chain.url, { ...init, body: JSON.stringify({ ...body, params: ['0x2', false] }) })
    }
    const split = tempo({ account, rpc: { [CHAIN_ID]: [chain.url, `${chain.url}/behind`] }, fetch: behind })
    expect((await split.inspect(evidence)).state).toBe('pending')
  })

  test('a settlement that one of them shows counts, even if the others disagree', async () => {
    const { account, wallet } = await walletOf()
    const { evidence, raw } = await signed(wallet)
    await include(raw)
    const other = await startChain()
    try {
      const two = tempo({ account, rpc: { [CHAIN_ID]: [other.url, chain.url] } })
      expect((await two.inspect(evidence)).state).toBe('settled')
    } finally {
      await other.stop()
    }
  })

  test('an error quotes neither URL nor transaction', async () => {
    const { account, wallet } = await walletOf(1_000_000n, { mode: 'push' })
    const now = (await chain.time()) * 1000
    const prepared = await prepare(wallet, challenge(charge(), { expires: now + 60_000 }), { now })
    const secret = 'http://127.0.0.1:9/v1/secret-project-key'
    let clock = now
    // It names its chain, and answers nothing else.
    const mute: typeof fetch = (input, init) => {
      const { id, method } = JSON.parse(String(init?.body))
      if (method !== 'eth_chainId') return fetch(input, init)
      return Promise.resolve(Response.json({ jsonrpc: '2.0', id, result: `0x${CHAIN_ID.toString(16)}` }))
    }
    const rpc = { [CHAIN_ID]: secret }
    const cut = tempo({ account, mode: 'push', rpc, fetch: mute, now: () => (clock += 10_000) })
    const lost = await prepare(cut, challenge(charge(), { expires: now + 60_000 }), { now })
    const error = await complete(lost).catch((failure: unknown) => failure)
    expect(error).toMatchObject({ code: 'wallet_failed', funds: 'unknown' })
    const text = `${error} ${JSON.stringify(error)} ${(error as Error).stack} ${String((error as Error).cause)}`
    expect(text).not.toContain('secret')
    expect(text).not.toMatch(/0x7[68]f[0-9a-f]{20}/)
    await prepared.discard()
  })
})

describe('evidence', () => {
  test('that is damaged or foreign is unknown', async () => {
    const { wallet } = await walletOf()
    const { evidence } = await signed(wallet)
    const detail = evidence.detail as JsonObject
    const damaged = [
      null,
      7,
      {},
      { ...detail, form: 'other' },
      { ...detail, transfers: [] },
      { ...detail, seen: 'x' },
      { ...detail, memo: 5 },
    ]
    for (const each of damaged)
      expect(await wallet.inspect({ ...evidence, detail: each })).toMatchObject({ state: 'unknown' })
    expect(await wallet.inspect({ ...evidence, detail: { ...detail, chainId: 5 } })).toMatchObject({
      state: 'unknown',
    })
  })

  test('holds no credential', async () => {
    const { wallet } = await walletOf()
    const { evidence, raw } = await signed(wallet)
    const signature = String(raw).slice(-130, -2)
    expect(JSON.stringify(evidence)).not.toContain(signature)
    expect(signature).toMatch(/^[0-9a-f]{128}$/)
    expect(BigInt(String(field(evidence, 'nonceKey')))).toBe(maxUint256)
  })
})
