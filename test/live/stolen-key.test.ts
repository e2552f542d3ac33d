import { encodeFunctionData, type Hex, parseAbi } from 'viem'
import { sendTransactionSync } from 'viem/actions'
import { Abis, Account, Actions, Addresses } from 'viem/tempo'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ACCOUNTS,
  addressOf,
  alphaUSD,
  betaUSD,
  type Chain,
  clientFor,
  pathUSD,
  startChain,
} from '../chain/chain.js'
import { type Call, HEADROOM, newKey, type Owner, ownerOn, type Thief, thiefWith } from './delegated.js'
import { DOLLAR } from './world.js'

// A key that was authorized by `delegate`, in the hands of somebody who asks no purser.

const TIP20 = parseAbi([
  'function transfer(address to, uint256 amount)',
  'function transferWithMemo(address to, uint256 amount, bytes32 memo)',
  'function transferFrom(address from, address to, uint256 amount)',
  'function approve(address spender, uint256 amount)',
  'function burn(uint256 amount)',
])
const ALPHA = addressOf(alphaUSD)
const PAYEE = ACCOUNTS.payee.address
const THIEF = ACCOUNTS.spare.address
const LIMIT = 500_000n + HEADROOM

const transfer = (to: Hex, amount: bigint, token = ALPHA): Call => ({
  to: token,
  data: encodeFunctionData({ abi: TIP20, functionName: 'transfer', args: [to, amount] }),
})
const withMemo = (to: Hex, amount: bigint): Call => ({
  to: ALPHA,
  data: encodeFunctionData({
    abi: TIP20,
    functionName: 'transferWithMemo',
    args: [to, amount, `0x${'07'.repeat(32)}`],
  }),
})
const approve = (spender: Hex, amount: bigint): Call => ({
  to: ALPHA,
  data: encodeFunctionData({ abi: TIP20, functionName: 'approve', args: [spender, amount] }),
})
const pull = (from: Hex, to: Hex, amount: bigint): Call => ({
  to: ALPHA,
  data: encodeFunctionData({ abi: TIP20, functionName: 'transferFrom', args: [from, to, amount] }),
})
const keychain = (functionName: 'revokeKey' | 'updateSpendingLimit', args: readonly unknown[]): Call => ({
  to: Addresses.accountKeychain,
  data: encodeFunctionData({ abi: Abis.accountKeychain, functionName, args: args as never }),
})

let chain: Chain
beforeAll(async () => {
  chain = await startChain()
})
afterAll(() => chain?.stop())

/** A key of a new owner, authorized and stolen. */
async function stolen(more: Parameters<Owner['delegation']>[1] = {}): Promise<{
  readonly owner: Owner
  readonly key: Hex
  readonly thief: Thief
  left(): Promise<bigint>
}> {
  const owner = await ownerOn(chain)
  const key = newKey()
  await (await owner.delegation(key, more)).authorize()
  const wealth = () => chain.balanceOf(alphaUSD, owner.root.address)
  const before = await wealth()
  return {
    owner,
    key: key.address,
    thief: thiefWith(key.key, owner.root.address, chain),
    left: async () => before - (await wealth()),
  }
}

async function allowItself({ root }: Owner): Promise<void> {
  const calls = [approve(root.address, 5n * DOLLAR)]
  const client = clientFor(chain.url, root, chain.id)
  await sendTransactionSync(client, { calls, feeToken: addressOf(pathUSD), gas: 2_000_000n })
}

describe('a stolen access key', () => {
  it('spends no more than its limit, however it is cut', async () => {
    const { thief, left, owner, key } = await stolen()
    expect(await thief.send([withMemo(PAYEE, LIMIT + 1n)])).not.toBe('success')
    expect(await thief.send([withMemo(PAYEE, 300_000n)])).toBe('success')
    expect(await thief.send([withMemo(PAYEE, 300_000n)])).not.toBe('success')
    expect(await thief.send([withMemo(PAYEE, 150_000n), transfer(PAYEE, 150_000n)])).not.toBe('success')
    for (let amount = 100_000n; amount > 1_000n; amount /= 2n) await thief.send([transfer(PAYEE, amount)])
    expect(await left()).toBeGreaterThan(400_000n)
    // Prices and fees together, those of refused attempts included.
    expect(await left()).toBeLessThanOrEqual(LIMIT)
    const { limits } = await owner.keys.inspect(key)
    const [limit] = limits === 'none' ? [] : limits
    expect(limit?.remaining.value).toBe(LIMIT - (await left()))
  })

  it('pays nobody else', async () => {
    const { thief } = await stolen()
    const before = await chain.balanceOf(alphaUSD, THIEF)
    expect(await thief.send([transfer(THIEF, 10_000n)])).not.toBe('success')
    expect(await thief.send([withMemo(THIEF, 10_000n)])).not.toBe('success')
    expect(await thief.send([withMemo(PAYEE, 1n), transfer(THIEF, 10_000n)])).not.toBe('success')
    expect(await chain.balanceOf(alphaUSD, THIEF)).toBe(before)
  })

  it('touches no other token, not even for fees', async () => {
    const { thief, owner } = await stolen()
    await chain.fund(owner.root.address, betaUSD, DOLLAR)
    expect(await thief.send([transfer(PAYEE, 10_000n, addressOf(betaUSD))])).not.toBe('success')
    expect(await thief.send([transfer(PAYEE, 10_000n)], addressOf(betaUSD))).not.toBe('success')
    expect(await chain.balanceOf(betaUSD, owner.root.address)).toBe(DOLLAR)
    expect(await thief.send([transfer(PAYEE, 10_000n)], addressOf(pathUSD))).not.toBe('success')
  })

  it('leaves no door open for later, and raises nothing of its own', async () => {
    const { thief, owner, key } = await stolen()
    const far = 2n ** 64n - 1n
    expect(await thief.send([approve(THIEF, 10_000n)])).not.toBe('success')
    expect(await thief.send([keychain('updateSpendingLimit', [key, ALPHA, far])])).not.toBe('success')
    expect(await thief.send([keychain('revokeKey', [key])])).not.toBe('success')
    expect(await thief.send([{ to: '0x000000000022d473030f116ddee9f6b43ac78ba3', data: '0x' }])).not.toBe(
      'success',
    )
    expect(await owner.keys.allowances()).toEqual({ open: [], searched: 'all' })
    expect(await owner.keys.inspect(key)).toMatchObject({ state: 'authorized' })
  })

  it('finds the way around limits shut, which an allowance of the account to itself would be', async () => {
    const { thief, owner, left } = await stolen()
    await allowItself(owner)
    expect(await thief.send([pull(owner.root.address, PAYEE, 2n * DOLLAR)])).not.toBe('success')
    expect(await left()).toBeLessThan(LIMIT)
  })

  it('which stands open to a key that has a limit, and no recipients', async () => {
    const owner = await ownerOn(chain)
    const root = Account.fromSecp256k1(owner.root.key)
    const key = newKey()
    await Actions.accessKey.authorizeSync(clientFor(chain.url, root, chain.id), {
      accessKey: Account.fromSecp256k1(key.key, { access: root }),
      expiry: Math.floor(Date.now() / 1000) + 3600,
      limits: [{ token: ALPHA, limit: LIMIT }],
      feeToken: ALPHA,
      gas: 3_000_000n,
    })
    await allowItself(owner)
    const before = await chain.balanceOf(alphaUSD, owner.root.address)
    const thief = thiefWith(key.key, owner.root.address, chain)
    expect(await thief.send([pull(owner.root.address, THIEF, 2n * DOLLAR)])).toBe('success')
    expect(before - (await chain.balanceOf(alphaUSD, owner.root.address))).toBeGreaterThan(2n * DOLLAR)
  })

  it('is dead once it was revoked', async () => {
    const { thief, owner, key, left } = await stolen()
    expect(await thief.send([transfer(PAYEE, 10_000n)])).toBe('success')
    await owner.keys.revoke(key)
    const before = await left()
    expect(await thief.send([transfer(PAYEE, 10_000n)])).toBe('refused')
    expect(await left()).toBe(before)
    expect(await owner.keys.inspect(key)).toMatchObject({ state: 'revoked', limits: [], recipients: [] })
    await expect(owner.delegation(key)).rejects.toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
  })
})

describe('as time goes by', () => {
  it('a limit is whole again after its period, and nothing is carried over; then the key ends', async () => {
    const own = await startChain()
    try {
      const owner = await ownerOn(own, {
        policy: {
          budgets: [
            { limit: '0.30', per: 'minute' },
            { limit: '9', per: 'day' },
          ],
        },
      })
      const key = newKey()
      const delegation = await owner.delegation(key, {
        budget: 'budget.minute',
        expires: Date.now() + 20 * 60_000,
      })
      expect(delegation.limits).toMatchObject([{ periodMs: 60_000, amount: { value: 300_000n + HEADROOM } }])
      await delegation.authorize()
      const thief = thiefWith(key.key, owner.root.address, own)
      expect(await thief.send([transfer(PAYEE, 250_000n)])).toBe('success')
      expect(await thief.send([transfer(PAYEE, 250_000n)])).not.toBe('success')
      await own.mine(3, 61)
      expect(await owner.keys.inspect(key)).toMatchObject({
        limits: [{ remaining: { value: 300_000n + HEADROOM } }],
      })
      expect(await thief.send([transfer(PAYEE, 250_000n)])).toBe('success')
      expect(await thief.send([transfer(PAYEE, 250_000n)])).not.toBe('success')
      await own.mine(1, 20 * 60)
      expect(await thief.send([transfer(PAYEE, 1_000n)])).toBe('refused')
      const later = Date.now() + 30 * 60_000
      const keys = (await ownerOn(own, { keys: { account: owner.root, now: () => later } })).keys
      expect(await keys.inspect(key)).toMatchObject({ state: 'expired' })
    } finally {
      await own.stop()
    }
  })
})
