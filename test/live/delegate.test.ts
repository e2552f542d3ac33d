import type { Hex } from 'viem'
import { sendTransactionSync } from 'viem/actions'
import { Account, P256 } from 'viem/tempo'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { isPaymentError, type Ledger } from '../../src/index.js'
import { tempoKeys } from '../../src/wallet/tempo/index.js'
import {
  ACCOUNTS,
  addressOf,
  alphaUSD,
  clientFor,
  LOCAL_CURRENCIES,
  NETWORK,
  pathUSD,
} from '../chain/chain.js'
import { PRICE } from '../chain/server.js'
import { HEADROOM, newKey, type Owner, type OwnerOptions, ownerOn, PAYEES } from './delegated.js'
import { type Front, startFront } from './front.js'
import { type Buyer, countSignatures, DOLLAR, only, problemIn, startWorld, type World } from './world.js'

let world: World
const fronts: Front[] = []
beforeAll(async () => {
  world = await startWorld()
})
afterEach(async () => {
  await Promise.all(fronts.splice(0).map((front) => front.close()))
})
afterAll(() => world?.stop())

/** An agent that holds a delegated key, and of its account nothing but the address. */
interface Agent extends Buyer {
  readonly owner: Owner
  readonly key: Hex
  /** How often the access key signed. */
  signed(): number
}

async function agentOf(
  options: OwnerOptions & {
    readonly origins?: readonly string[]
    readonly fetch?: typeof fetch
    readonly ledger?: Ledger
  } = {},
): Promise<Agent> {
  const owner = await ownerOn(world.chain, options)
  const secret = newKey()
  await (await owner.delegation(secret)).authorize()
  const key = countSignatures(secret)
  const origins = options.origins ?? [world.api.origin]
  const buyer = await world.buyer({
    account: owner.root,
    ...(options.ledger === undefined ? {} : { ledger: options.ledger }),
    policy: { vendors: origins.map((origin) => ({ origin, payees: PAYEES })) },
    wallet: {
      account: owner.root.address,
      accessKey: key.account,
      ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    },
  })
  return { ...buyer, owner, key: secret.address, signed: key.count }
}

async function leftOf({ owner, key }: Agent): Promise<bigint> {
  const { limits } = await owner.keys.inspect(key)
  if (limits === 'none') throw new Error('no limits')
  return only(limits).remaining.value
}

describe('a delegated key', () => {
  it('pays a real server: by pull, sponsored, with splits, by push, and proves who pays', async () => {
    const agent = await agentOf()
    for (const path of ['/paid', '/sponsored', '/splits', '/push', '/zero'])
      expect([path, (await agent.get(path)).status]).toEqual([path, 200])
    expect(agent.signed()).toBe(5)
    expect(agent.signatures()).toBe(0)
    await agent.purser.recover({ reconcile: true })
    expect(await agent.booked()).toBe(await agent.left())
    // The chain's account of the key agrees with the account's own.
    expect(await leftOf(agent)).toBe(500_000n + HEADROOM - (await agent.left()))
  })

  it('asks no node in steady state', async () => {
    const asked: string[] = []
    const gate: typeof fetch = (input, init) => {
      asked.push(JSON.parse(String(init?.body)).method)
      return fetch(input, init)
    }
    const agent = await agentOf({ fetch: gate })
    await agent.get('/paid')
    // Which chain it is; what the account holds; the key, its limit, and whom it may pay.
    expect(asked).toEqual(['eth_chainId', 'eth_call', 'eth_call', 'eth_call', 'eth_call'])
    for (let count = 0; count < 5; count++) expect((await agent.get(`/paid?n=${count}`)).status).toBe(200)
    expect(asked).toHaveLength(5)
  })

  it('is not asked to sign what the chain would refuse', async () => {
    const agent = await agentOf({ policy: { budgets: [{ limit: '0.30', per: 'day' }] } })
    const dear = await problemIn(await agent.get('/price/0.50'))
    expect(dear).toMatchObject({ code: 'insufficient_funds', funds: 'untouched' })
    expect(dear['detail']).toMatch(/^The access key may spend 0\.35 AlphaUSD more, .*resets at /)
    const stranger = await problemIn(await agent.get('/path-usd'))
    expect(stranger).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect(stranger['detail']).toMatch(/^The access key may not pay 0x7099.* in this token$/)
    expect(agent.signed()).toBe(0)
    expect(await agent.left()).toBe(0n)
    expect((await agent.get('/price/0.20')).status).toBe(200)
    // Known without asking: a signed payment is taken off at once.
    expect(await problemIn(await agent.get('/price/0.20?again'))).toMatchObject({
      code: 'insufficient_funds',
    })
    expect(agent.signed()).toBe(1)
  })

  it('may pay the cheaper of two offers only where its limits reach', async () => {
    const agent = await agentOf()
    // 0.02 AlphaUSD or 0.01 pathUSD, which the key may not touch.
    expect((await agent.get('/offers')).status).toBe(200)
    expect(only(await agent.payments()).attempts[0]?.terms.most.currency.id).toBe(alphaUSD.id)
  })

  it('pays fees in a token of their own, which it can spend on nothing else', async () => {
    const owner = await ownerOn(world.chain)
    await world.chain.fund(owner.root.address, pathUSD, DOLLAR)
    const key = newKey()
    const delegation = await owner.delegation(key, { feeToken: pathUSD })
    expect(delegation.limits).toMatchObject([{ use: 'payments' }, { use: 'fees' }])
    expect(delegation.rules.find(({ rule }) => rule === 'budget.day')?.message).toMatch(
      /for each of 2 tokens/,
    )
    await delegation.authorize()
    const buyer = await world.buyer({
      account: owner.root,
      wallet: {
        account: owner.root.address,
        accessKey: key,
        feeToken: { [world.chain.id]: addressOf(pathUSD) },
      },
    })
    const before = await world.chain.balanceOf(alphaUSD, owner.root.address)
    expect((await buyer.get('/paid')).status).toBe(200)
    expect(before - (await world.chain.balanceOf(alphaUSD, owner.root.address))).toBe(PRICE)
    expect(await problemIn(await buyer.get('/path-usd'))).toMatchObject({ code: 'wallet_failed' })
    const { limits } = await owner.keys.inspect(key)
    const left = limits === 'none' ? [] : limits.map(({ remaining }) => 550_000n - remaining.value)
    expect(left.reduce((sum, each) => sum + each, 0n)).toBe(await buyer.left())
  })

  it('may be one of another curve', async () => {
    const owner = await ownerOn(world.chain)
    const key = Account.fromP256(P256.randomPrivateKey())
    await (await owner.delegation(key)).authorize()
    expect(await owner.keys.inspect(key)).toMatchObject({ state: 'authorized', type: 'p256' })
    const account = owner.root
    const buyer = await world.buyer({ account, wallet: { account: account.address, accessKey: key } })
    expect((await buyer.get('/paid')).status).toBe(200)
    expect((await buyer.get('/sponsored')).status).toBe(200)
    await buyer.purser.recover({ reconcile: true })
    expect(await buyer.booked()).toBe(await buyer.left())
  })

  it('is revoked in the middle: what it signed is proven void, and it signs no more', async () => {
    const agent = await agentOf()
    expect((await agent.get('/paid')).status).toBe(200)
    const before = await agent.left()
    const { reference } = await agent.owner.keys.revoke(agent.key)
    expect(reference).toMatch(/^0x[0-9a-f]{64}$/)
    const cost = (await agent.left()) - before
    // The wallet still goes by what it read a moment ago.
    const response = await agent.get('/paid?next')
    expect(response.status).toBe(500)
    expect(agent.purser.paymentFor(response)).toMatchObject({ state: 'released' })
    expect(await problemIn(await agent.get('/paid?then'))).toMatchObject({
      code: 'wallet_failed',
      funds: 'untouched',
      detail: 'The access key was revoked',
    })
    expect(agent.signed()).toBe(2)
    expect(await agent.left()).toBe(before + cost)
    await agent.purser.recover({ reconcile: true })
    expect(await agent.booked()).toBe(before)
  })
})

describe('the answer to a payment by a delegated key is lost', () => {
  async function behind(lost: 'before' | 'after'): Promise<{ agent: Agent; url: string }> {
    const front = await startFront(world.api.origin, async ({ paid, forward, drop }) => {
      if (paid && lost === 'before') return drop()
      const response = await forward()
      return paid ? drop() : response
    })
    fronts.push(front)
    return { agent: await agentOf({ origins: [front.origin] }), url: front.url('/paid') }
  }

  it('after the server took it: found on the chain by its account', async () => {
    const { agent, url } = await behind('after')
    const error = await agent.purser.fetch(url).catch((thrown: unknown) => thrown)
    expect(isPaymentError(error) && error).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    await agent.purser.recover({ reconcile: true })
    expect(await agent.booked()).toBe(await agent.left())
    expect(await agent.left()).toBeGreaterThan(PRICE)
  })

  it('before the server saw it: a doubt that ends at once when the key is revoked', async () => {
    const { agent, url } = await behind('before')
    const error = await agent.purser.fetch(url).catch((thrown: unknown) => thrown)
    expect(isPaymentError(error) && error).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(only(await agent.payments()).state).toBe('committed')
    await agent.owner.keys.revoke(agent.key)
    await world.chain.mine(4)
    await agent.purser.recover({ reconcile: true })
    const payment = only(await agent.payments())
    expect(payment).toMatchObject({ state: 'released', units: 0n })
    expect(Date.now()).toBeLessThan(Number(payment.attempts[0]?.evidence.recheckAt))
  })
})

it('a key that takes the place of another one finds out what became of its payments', async () => {
  const front = await startFront(world.api.origin, ({ paid, forward, drop }) => (paid ? drop() : forward()))
  fronts.push(front)
  const ledger = memoryLedger()
  const agent = await agentOf({ origins: [front.origin], ledger })
  const error = await agent.purser.fetch(front.url('/paid')).catch((thrown: unknown) => thrown)
  expect(isPaymentError(error) && error).toMatchObject({ funds: 'unknown' })
  const next = newKey()
  await agent.owner.keys.revoke(agent.key)
  await (await agent.owner.delegation(next)).authorize()
  const account = agent.owner.root
  const heir = await world.buyer({ account, wallet: { account: account.address, accessKey: next }, ledger })
  await heir.purser.ready()
  await agent.purser.close()
  await world.chain.mine(4)
  await heir.purser.recover({ reconcile: true })
  expect(only(await heir.payments())).toMatchObject({ state: 'released', units: 0n })
  expect((await heir.get('/paid')).status).toBe(200)
})

/** The account lets somebody take five dollars. */
async function allow({ root }: Owner, spender: Hex): Promise<void> {
  const words = [BigInt(spender), 5n * DOLLAR].map((value) => value.toString(16).padStart(64, '0'))
  await sendTransactionSync(clientFor(world.chain.url, root), {
    calls: [{ to: addressOf(alphaUSD), data: `0x095ea7b3${words.join('')}` }],
    feeToken: addressOf(pathUSD),
    gas: 2_000_000n,
  })
}

describe('before a key is authorized', () => {
  it('it is said what the chain will hold, and what only Purser holds', async () => {
    const owner = await ownerOn(world.chain, {
      policy: {
        perTask: '0.20',
        maxFee: '0.05',
        budgets: [
          { limit: '0.50', per: 'day' },
          { limit: '3', per: 'week' },
          { limit: '4.50', per: 'week', timezone: 'Europe/Berlin' },
          { payments: 60, per: 'minute' },
        ],
      },
    })
    const key = newKey()
    const before = await world.chain.balanceOf(alphaUSD, owner.root.address)
    const week = 7 * 86_400_000
    const delegation = await owner.delegation(key, { expires: Date.now() + week })
    expect(delegation).toMatchObject({
      account: owner.root.address.toLowerCase(),
      key: key.address.toLowerCase(),
      network: NETWORK,
      recipients: PAYEES.map((payee) => payee.toLowerCase()),
      allowances: { open: [], searched: 'all' },
    })
    const holders = Object.fromEntries(delegation.rules.map(({ rule, holder }) => [rule, holder]))
    expect(holders).toMatchObject({
      perPayment: 'purser',
      perTask: 'purser',
      maxFee: 'purser',
      vendors: 'purser',
    })
    expect(holders).toMatchObject({
      'vendors.payees': 'chain',
      networks: 'chain',
      'payments.minute': 'purser',
    })
    expect(await world.chain.balanceOf(alphaUSD, owner.root.address)).toBe(before)
    expect(await owner.keys.inspect(key)).toMatchObject({ state: 'unknown' })
    const { reference, fee } = await delegation.authorize()
    expect(reference).toMatch(/^0x[0-9a-f]{64}$/)
    expect(before - (await world.chain.balanceOf(alphaUSD, owner.root.address))).toBe(fee.value)
    expect(fee.value).toBeLessThanOrEqual(delegation.cost.value)
    await expect(delegation.authorize()).rejects.toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect(before - (await world.chain.balanceOf(alphaUSD, owner.root.address))).toBe(fee.value)
    expect(await owner.keys.inspect(key)).toMatchObject({
      state: 'authorized',
      type: 'secp256k1',
      expires: Math.floor(delegation.expires / 1000) * 1000,
      limits: delegation.limits.map(({ amount }) => ({ remaining: amount })),
      recipients: delegation.recipients,
    })
  })

  it('open allowances stand against it, until they are closed', async () => {
    const owner = await ownerOn(world.chain)
    const spender = ACCOUNTS.spare.address
    await allow(owner, spender)
    const key = newKey()
    const delegation = await owner.delegation(key)
    expect(only(delegation.allowances.open)).toMatchObject({
      spender: spender.toLowerCase(),
      amount: { value: 5n * DOLLAR },
    })
    await expect(delegation.authorize()).rejects.toMatchObject({
      code: 'refused',
      funds: 'untouched',
      reasons: [
        { rule: 'allowances', message: expect.stringContaining('may take 5 AlphaUSD from the account') },
      ],
    })
    expect(await owner.keys.inspect(key)).toMatchObject({ state: 'unknown' })
    await owner.keys.closeAllowances(delegation.allowances.open)
    expect(await owner.keys.allowances()).toEqual({ open: [], searched: 'all' })
    await delegation.authorize()
    expect(await owner.keys.inspect(key)).toMatchObject({ state: 'authorized' })
  })

  it('a node without old logs leaves that open, and is not believed to have none', async () => {
    const forgetful: typeof fetch = async (input, init) => {
      const { method } = JSON.parse(String(init?.body))
      return method === 'eth_getLogs'
        ? Response.json({
            jsonrpc: '2.0',
            id: 1,
            error: { code: -32_000, message: 'block range is too wide' },
          })
        : fetch(input, init)
    }
    const owner = await ownerOn(world.chain, { keys: { fetch: forgetful } })
    const key = newKey()
    const delegation = await owner.delegation(key)
    expect(delegation.allowances).toEqual({ open: [], searched: 'known' })
    await expect(delegation.authorize()).rejects.toMatchObject({ code: 'refused' })
    expect(await owner.keys.inspect(key)).toMatchObject({ state: 'unknown' })
    await delegation.authorize({ despiteAllowances: true })
    expect(await owner.keys.inspect(key)).toMatchObject({ state: 'authorized' })
    await expect(owner.keys.list()).rejects.toMatchObject({ code: 'wallet_unavailable' })
  })

  it('a node that limits how far one search reaches is asked piece by piece', async () => {
    const narrow: typeof fetch = async (input, init) => {
      const { method, params } = JSON.parse(String(init?.body))
      const [filter] = params
      return method === 'eth_getLogs' && Number(filter.toBlock) - Number(filter.fromBlock) > 20
        ? Response.json({
            jsonrpc: '2.0',
            id: 1,
            error: { code: -32_000, message: 'block range is too wide' },
          })
        : fetch(input, init)
    }
    await world.chain.mine(50)
    const owner = await ownerOn(world.chain, { keys: { fetch: narrow } })
    await allow(owner, ACCOUNTS.spare.address)
    expect(await owner.keys.allowances()).toMatchObject({
      open: [{ spender: ACCOUNTS.spare.address.toLowerCase() }],
      searched: 'all',
    })
    expect(await owner.keys.list()).toEqual([])
  })

  it('an account that cannot pay for it is told so', async () => {
    const owner = await ownerOn(world.chain, { funds: 10_000n })
    await expect(owner.delegation(newKey())).rejects.toMatchObject({
      code: 'insufficient_funds',
      funds: 'untouched',
    })
  })
})

describe('the keys of an account', () => {
  it('are listed and ended by whoever holds it, and only looked at by its address', async () => {
    const owner = await ownerOn(world.chain)
    const [first, second] = [newKey(), newKey()]
    for (const key of [first, second]) await (await owner.delegation(key)).authorize()
    await owner.keys.revoke(first)
    const chain = world.chain
    const looker = tempoKeys({
      account: owner.root.address,
      chain: chain.id,
      rpc: { [chain.id]: chain.url },
      currencies: LOCAL_CURRENCIES,
    })
    expect(await looker.list()).toMatchObject([
      { key: first.address.toLowerCase(), state: 'revoked' },
      {
        key: second.address.toLowerCase(),
        state: 'authorized',
        limits: [{ remaining: { value: 550_000n } }],
      },
    ])
    await expect(looker.revoke(second)).rejects.toThrow(TypeError)
    expect(await owner.keys.inspect(second)).toMatchObject({ state: 'authorized' })
  })
})
