import { describe, expect, it } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import type { DelegateOptions, Policy } from '../../src/entry/policy.js'
import type { AccessKeyManager, AccessKeyRequest } from '../../src/entry/wallet.js'
import { CURRENCIES, createPurser, type PolicyDocument, type PurserOptions, token } from '../../src/index.js'
import { createPolicy } from '../../src/policy/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { ACCOUNTS } from '../chain/chain.js'

const PAYEE = `0x${'a1'.repeat(20)}`
const KEY = `0x${'b2'.repeat(20)}`
const DAY = 86_400_000
const NOW = 1_800_000_000_000
const { pathUSD, USDCe, testPathUSD } = CURRENCIES
const POLICY: PolicyDocument = {
  perPayment: '0.10',
  budgets: [{ limit: '5', per: 'day' }],
  vendors: [{ origin: 'https://api.example', payees: [PAYEE] }],
}

/** Keeps keys on no chain, and remembers what it was asked. */
function keeper(): AccessKeyManager & { readonly wishes: AccessKeyRequest[] } {
  const wishes: AccessKeyRequest[] = []
  return {
    account: ACCOUNTS.payer.address,
    network: 'eip155:4217',
    kind: 'tempo/charge',
    wishes,
    async propose(wish) {
      wishes.push(wish)
      const cost = wish.limits[0]?.amount
      if (cost === undefined) throw new TypeError('no limits')
      return {
        key: KEY,
        allowances: { open: [], searched: 'all' },
        cost,
        authorize: async () => ({ key: KEY, reference: '0x', fee: cost }),
      }
    },
  }
}

async function delegated(
  more: Partial<DelegateOptions> = {},
  policy: PolicyDocument | Policy = POLICY,
  options: Partial<PurserOptions> = {},
) {
  const keys = keeper()
  const purser = createPurser({
    wallets: [tempo({ account: ACCOUNTS.payer })],
    policy,
    ledger: memoryLedger(),
    clock: { now: () => NOW, monotonic: () => 0 },
    ...options,
  })
  const expires = NOW + 30 * DAY
  const delegation = await purser.delegate({ keys, key: KEY, expires, tokens: [USDCe], ...more })
  return { delegation, wishes: keys.wishes }
}

describe('a delegation', () => {
  it('asks for a limit per token with headroom, for the policy’s payees, until it ends', async () => {
    const { delegation, wishes } = await delegated({ tokens: [USDCe, pathUSD], expires: new Date(NOW + DAY) })
    expect(wishes).toEqual([
      {
        key: KEY,
        expires: NOW + DAY,
        limits: [
          { amount: { value: 5_050_000n, currency: USDCe }, use: 'payments', periodMs: DAY },
          { amount: { value: 5_050_000n, currency: pathUSD }, use: 'payments', periodMs: DAY },
        ],
        recipients: [PAYEE],
      },
    ])
    expect(delegation).toMatchObject({ key: KEY, network: 'eip155:4217', expires: NOW + DAY })
    expect(Object.isFrozen(delegation)).toBe(true)
  })

  it('takes headroom as it is told, and a fee token apart unless it is paid with anyway', async () => {
    const none = await delegated({ headroom: '0', feeToken: pathUSD })
    expect(none.wishes[0]?.limits).toMatchObject([
      { amount: { value: 5_000_000n, currency: USDCe }, use: 'payments' },
      { amount: { value: 5_000_000n, currency: pathUSD }, use: 'fees' },
    ])
    const same = await delegated({ headroom: '1 USD', feeToken: USDCe })
    expect(same.wishes[0]?.limits).toMatchObject([{ amount: { value: 6_000_000n } }])
    expect(same.wishes[0]?.limits).toHaveLength(1)
  })

  it('is of the agent that this purser is', async () => {
    const policy = { ...POLICY, agents: { cook: { budgets: [{ limit: '1', per: 'day' }] } } } as const
    const { wishes } = await delegated({}, policy, { agent: 'cook' })
    expect(wishes[0]?.limits[0]?.amount.value).toBe(1_050_000n)
    await expect(delegated({}, policy, { agent: 'thief' })).rejects.toThrow(
      /lets the agent thief pay nothing/,
    )
  })

  it('can be made of a policy that was made before', async () => {
    expect((await delegated({}, createPolicy(POLICY))).wishes).toHaveLength(1)
    const foreign: Policy = { ...createPolicy(POLICY) }
    await expect(delegated({}, foreign)).rejects.toThrow(/made of a document/)
  })
})

describe('a key is not made for what the policy never pays', () => {
  it.each<[string, PolicyDocument, RegExp]>([
    ['on its network', { networks: ['eip155:8453'] }, /good for nothing.*tempo/],
    ['in its token', { currencies: [pathUSD.id] }, /good for nothing.*USDC\.e|good for nothing.*may be paid/],
  ])('%s', async (_, more, message) => {
    await expect(delegated({}, { ...POLICY, ...more })).rejects.toThrow(message)
    await expect(delegated({}, { ...POLICY, agents: { agent: more } })).rejects.toThrow(TypeError)
    expect(
      (await delegated({}, { ...POLICY, networks: ['tempo'], currencies: ['USD'] })).wishes,
    ).toHaveLength(1)
  })

  it('on a test network that it does not name', async () => {
    const keys: AccessKeyManager = { ...keeper(), network: 'eip155:42431' }
    const made = (policy: PolicyDocument) => delegated({ keys, tokens: [testPathUSD] }, policy)
    await expect(made(POLICY)).rejects.toThrow(/good for nothing. eip155:42431 /)
    await made({ ...POLICY, networks: ['eip155:42431'] })
  })
})

describe('nothing is asked of a chain', () => {
  const euro = token('eip155:4217', `0x${'e'.repeat(40)}`, { symbol: 'EUR', decimals: 6, peg: 'iso4217:EUR' })
  const own = token('eip155:4217', `0x${'d'.repeat(40)}`, {
    symbol: 'MyUSD',
    decimals: 6,
    peg: 'iso4217:USD',
  })
  it.each<[string, object, RegExp]>([
    ['with an end that is over', { expires: NOW }, /expires must be a time to come/],
    ['with an end that is no time', { expires: 'soon' }, /expires must be a time to come/],
    ['without tokens', { tokens: [] }, /tokens must list/],
    ['with tokens left out', { tokens: undefined }, /tokens must list/],
    ['with a token named twice', { tokens: [USDCe, USDCe] }, /names a token twice/],
    ['with a token that the purser does not know', { tokens: [own] }, /no currency that this purser knows/],
    ['with a token of another chain', { tokens: [testPathUSD] }, /no currency that this purser knows/],
    ['with a token that is not counted', { tokens: [euro] }, /EUR is not pegged to USD/],
    ['with headroom that is no amount', { headroom: 'some' }, /headroom must be a decimal text in USD/],
    ['with headroom that is a number', { headroom: 0.05 }, /headroom must be a decimal text in USD/],
  ])('%s', async (_, more, message) => {
    const keys = keeper()
    const made = delegated({ keys, ...more }, POLICY, { currencies: [euro] })
    await expect(made).rejects.toThrow(TypeError)
    await expect(made).rejects.toThrow(message)
    expect(keys.wishes).toEqual([])
  })
})
