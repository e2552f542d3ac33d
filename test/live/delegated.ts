import type { Hex, LocalAccount } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { sendTransaction } from 'viem/actions'
import { Account } from 'viem/tempo'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import type { DelegateOptions, Delegation } from '../../src/entry/policy.js'
import { createPurser, type PolicyDocument, type Purser } from '../../src/index.js'
import { type TempoKeys, type TempoKeysOptions, tempo, tempoKeys } from '../../src/wallet/tempo/index.js'
import {
  ACCOUNTS,
  addressOf,
  alphaUSD,
  type Chain,
  clientFor,
  LOCAL_CURRENCIES,
  NETWORK,
} from '../chain/chain.js'
import { DOLLAR } from './world.js'

export const HOUR = 3_600_000
/** What every limit has on top, unless a test says otherwise. */
export const HEADROOM = 50_000n
/** Everyone whom the API may have paid. */
export const PAYEES = [ACCOUNTS.payee.address, ACCOUNTS.split.address]
export const ORIGIN = 'http://127.0.0.1:1'

/** An owner: the account, its keys, and the purser whose policy is delegated. */
export interface Owner {
  readonly root: Awaited<ReturnType<Chain['account']>>
  readonly keys: TempoKeys
  readonly purser: Purser
  /** What a key of this owner would be authorized with. */
  delegation(key: LocalAccount | string, more?: Partial<DelegateOptions>): Promise<Delegation>
}

export interface OwnerOptions {
  readonly policy?: PolicyDocument
  readonly funds?: bigint
  readonly keys?: Partial<TempoKeysOptions>
}

/** An account with ten dollars, and a policy of half a dollar a day. */
export async function ownerOn(chain: Chain, options: OwnerOptions = {}): Promise<Owner> {
  const root = await chain.account(options.funds ?? 10n * DOLLAR)
  const rpc = { [chain.id]: chain.url }
  const keys = tempoKeys({
    account: root,
    chain: chain.id,
    rpc,
    currencies: LOCAL_CURRENCIES,
    ...options.keys,
  })
  const purser = createPurser({
    wallets: [tempo({ account: root, rpc })],
    policy: {
      perPayment: '0.10',
      budgets: [{ limit: '0.50', per: 'day' }],
      vendors: [{ origin: ORIGIN, payees: PAYEES }],
      networks: [NETWORK],
      ...options.policy,
    },
    currencies: LOCAL_CURRENCIES,
    ledger: memoryLedger(),
  })
  return {
    root,
    keys,
    purser,
    delegation: (key, more = {}) =>
      purser.delegate({ keys, key, expires: Date.now() + HOUR, tokens: [alphaUSD], ...more }),
  }
}

/** A key of its own, and its secret. */
export function newKey(): LocalAccount & { readonly key: Hex } {
  const key = generatePrivateKey()
  return Object.assign(privateKeyToAccount(key), { key })
}

export type Call = { readonly to: Hex; readonly data: Hex }

/** Whoever stole an access key, and uses it without any purser. */
export interface Thief {
  /** `refused`: the node took it into no block at all. */
  send(calls: readonly Call[], feeToken?: Hex): Promise<'success' | 'reverted' | 'refused'>
}

export function thiefWith(key: Hex, root: Hex, chain: Chain): Thief {
  const client = clientFor(chain.url, Account.fromSecp256k1(key, { access: root }), chain.id)
  return {
    async send(calls, feeToken = addressOf(alphaUSD)) {
      // A lane of its own each time, and no estimate: what the chain itself does is what counts.
      const nonceKey = BigInt(generatePrivateKey()) >> 64n
      const tx = { calls, feeToken, gas: 3_000_000n, nonceKey, nonce: 0 }
      const hash = await sendTransaction(client, tx).catch(() => undefined)
      for (let block = 0; hash !== undefined && block < 4; block++) {
        await chain.mine(1)
        const receipt = await chain.rpc('eth_getTransactionReceipt', [hash])
        if (typeof receipt === 'object' && receipt !== null && 'status' in receipt)
          return receipt.status === '0x1' ? 'success' : 'reverted'
      }
      return 'refused'
    },
  }
}
