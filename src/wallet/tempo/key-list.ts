import { type Amount, amount, type Currency, type Instant } from '../../money/index.js'
import { addressOf, lower, word } from '../chain/index.js'
import type { Hex } from './charge.js'
import {
  type CallScope,
  KEY_AUTHORIZED,
  KEYCHAIN,
  type KeyRecord,
  type KeyType,
  readKey,
  readRemaining,
  readScopes,
} from './keychain.js'
import type { Owner } from './owner.js'
import { searchLogs } from './search.js'

/** An access key, as the chain records it. */
export interface TempoKey {
  readonly key: Hex
  readonly state: 'authorized' | 'expired' | 'revoked' | 'unknown'
  readonly type: KeyType
  /** Absent for a key that never expires, was revoked, or was never authorized. */
  readonly expires?: Instant
  /** The rest of each limit; `none` if the key may spend everything. */
  readonly limits: readonly RemainingLimit[] | 'none'
  /** The addresses that may receive by any call; `anyone` if some call has no restriction. */
  readonly recipients: readonly Hex[] | 'anyone'
}

/** The rest of a key's limit. */
export interface RemainingLimit {
  readonly remaining: Amount
  /** The time at which the limit resets. Absent if it never does. */
  readonly resetsAt?: Instant
}

/** The last second of the date range. A key without an expiry has a later one. */
const LAST_SECOND = 8_640_000_000_000

/** @throws PaymentError `wallet_unavailable` if no node shows the account's authorizations. */
export async function listKeys(owner: Owner): Promise<readonly TempoKey[]> {
  const { nodes, config, since } = owner
  const topics = [KEY_AUTHORIZED, word(config.sender)] as const
  const logs = await searchLogs(nodes, { address: KEYCHAIN, topics, since })
  const keys = logs.flatMap(({ topics: [, , key] }) =>
    key === undefined ? [] : [lower(`0x${key.slice(-40)}`)],
  )
  return Promise.all([...new Set(keys)].map((key) => inspectKey(key, owner)))
}

/** @throws PaymentError `wallet_unavailable` if no node answers. */
export async function inspectKey(key: Hex, { nodes, config, currencies }: Owner): Promise<TempoKey> {
  const account = config.sender
  const record = await readKey(nodes, account, key)
  const state = stateOf(record, config.now())
  const { type, expiry, limited } = record
  if (state === 'revoked' || state === 'unknown') return { key, state, type, limits: [], recipients: [] }
  const scopes = await readScopes(nodes, account, key)
  const targets = scopes?.map(({ target }) => target)
  const limits = await Promise.all(
    currencies.map(async (currency) => {
      const token = addressOf(currency)
      const left = await readRemaining(nodes, { account, key, token })
      // The chain does not list limits. A limit that was never set and one that is used up for good look the same.
      const written = left.value > 0n || left.periodEnd > 0 || targets?.includes(token) === true
      return written ? [limitOf(currency, left.value, left.periodEnd)] : []
    }),
  )
  return {
    key,
    state,
    type,
    ...(expiry > LAST_SECOND ? {} : { expires: expiry * 1000 }),
    limits: limited ? limits.flat() : 'none',
    recipients: recipientsIn(scopes),
  }
}

function limitOf(currency: Currency, value: bigint, periodEnd: number): RemainingLimit {
  return { remaining: amount(value, currency), ...(periodEnd === 0 ? {} : { resetsAt: periodEnd * 1000 }) }
}

function stateOf({ state, expiry }: KeyRecord, now: Instant): TempoKey['state'] {
  return state === 'authorized' && expiry * 1000 <= now ? 'expired' : state
}

function recipientsIn(scopes: readonly CallScope[] | undefined): TempoKey['recipients'] {
  if (scopes === undefined || scopes.some(({ selectors }) => selectors.length === 0)) return 'anyone'
  const lists = scopes.flatMap(({ selectors }) => selectors.map(({ recipients }) => recipients))
  return lists.some((list) => list.length === 0) ? 'anyone' : [...new Set(lists.flat())]
}
