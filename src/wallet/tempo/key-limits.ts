import { type Amount, amount, type Currency, formatAmount, type Instant } from '../../money/index.js'
import { cachedReads, failed, type Node, PATIENCE_MS } from '../chain/index.js'
import type { Unpayable } from '../index.js'
import type { Charge, Hex } from './charge.js'
import { transferSelector } from './envelope.js'
import {
  type CallScope,
  type KeyRecord,
  type Remaining,
  readKey,
  readRemaining,
  readScopes,
} from './keychain.js'
import type { Config } from './options.js'

/** The chain's limits for an access key, cached. */
export interface KeyLimits {
  /**
   * Returns why the key cannot make this charge, from cached values. Before it reports an objection, it reads them
   * again.
   */
  objection(charge: Charge, needs: readonly Need[], now: Instant): Promise<Unpayable | undefined>
  /** Clears the cache after an unexpected result. */
  forget(): void
  /** Subtracts the amount of a signed payment from a limit. */
  took(chainId: number, token: Hex, value: bigint): void
}

/** The amount that a payment takes of a token, fees included. */
export interface Need {
  readonly token: Hex
  readonly currency: Currency
  readonly value: bigint
}

interface Standing {
  readonly key: KeyRecord
  readonly remaining: Remaining
  /** Undefined if any call is allowed. */
  readonly scopes: readonly CallScope[] | undefined
}

/**
 * Caches the limits of one access key of one account. Stale limits are refreshed in parallel to a payment and never
 * delay it.
 */
export function keyLimits(
  account: Hex,
  key: Hex,
  nodesOf: (chainId: number) => readonly Node[] | undefined,
): KeyLimits {
  const cache = cachedReads((chainId, token) => look(nodesOf(chainId) ?? [], { account, key, token }))
  return {
    async objection(charge, needs, now) {
      for (const need of needs) {
        const known = await cache.known(charge.chainId, need.token, now)
        if (known === undefined || complaint(known, charge, need, now) === undefined) continue
        const fresh = await cache.read(charge.chainId, need.token, now)
        const message = fresh && complaint(fresh, charge, need, now)
        if (message !== undefined) return message
      }
      return undefined
    },
    forget: cache.forget,
    took: (chainId, token, value) =>
      cache.change(chainId, token, (standing) => {
        const left = standing.remaining.value
        return { ...standing, remaining: { ...standing.remaining, value: left > value ? left - value : 0n } }
      }),
  }
}

/** Never rejects: if a limit cannot be read, the payment continues without it. */
async function look(
  nodes: readonly Node[],
  parties: { readonly account: Hex; readonly key: Hex; readonly token: Hex },
): Promise<Standing | undefined> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const { account, key } = parties
  try {
    const [record, remaining, scopes] = await Promise.all([
      readKey(nodes, account, key, { signal }),
      readRemaining(nodes, parties, { signal }),
      readScopes(nodes, account, key, { signal }),
    ])
    return { key: record, remaining, scopes }
  } catch {
    return undefined
  }
}

/** Pure. */
function complaint(
  { key, remaining, scopes }: Standing,
  charge: Charge,
  need: Need,
  now: Instant,
): Unpayable | undefined {
  if (key.state !== 'authorized')
    return no(key.state === 'revoked' ? 'was revoked' : 'is not authorized on this chain')
  if (key.expiry * 1000 <= now) return no('has expired')
  const stranger = strangerIn(charge, scopes)
  if (stranger !== undefined) return no(`may not pay ${stranger} in this token`)
  // A period that is over by the local clock may be over by the chain's too; then the limit has been reset.
  const over = remaining.periodEnd !== 0 && remaining.periodEnd * 1000 <= now
  if (!key.limited || over || remaining.value >= need.value) return undefined
  return {
    unpayable: `${shortfall(amount(remaining.value, need.currency), need)}${again(remaining)}`,
    code: 'insufficient_funds',
  }
}

const no = (what: string): Unpayable => ({ unpayable: `The access key ${what}`, code: 'wallet_failed' })

function shortfall(left: Amount, need: Need): string {
  return `The access key may spend ${formatAmount(left)} more, and this payment takes up to ${formatAmount(amount(need.value, need.currency))} of it`
}

function again({ periodEnd }: Remaining): string {
  const at = new Date(periodEnd * 1000)
  // A node may return a time outside the range of dates.
  if (periodEnd === 0 || Number.isNaN(at.getTime())) return ''
  return `; its limit resets at ${at.toISOString()}`
}

/**
 * Returns a recipient of this charge whom the key may not pay. The chain would refuse the charge and still take a fee.
 */
function strangerIn({ token, transfers }: Charge, scopes: readonly CallScope[] | undefined): Hex | undefined {
  if (scopes === undefined) return undefined
  const rules = scopes.filter(({ target }) => target === token)
  return transfers.find(({ to, memo }, index) => {
    const selector = transferSelector(index === 0 || memo !== undefined)
    return !rules.some(({ selectors }) => allows(selectors, selector, to))
  })?.to
}

/**
 * Checks other calls against the calls that an access key may make. An account's own key may make any call. If no node
 * answers, the check is left to the chain.
 *
 * @throws PaymentError `wallet_failed` if the key may not make them: the chain would refuse and still take a fee.
 */
export async function checkCalls(
  { key, sender, checkedNodes }: Pick<Config, 'key' | 'sender' | 'checkedNodes'>,
  chainId: number,
  calls: readonly { readonly to: Hex; readonly data: Hex }[],
): Promise<void> {
  if (key === undefined) return
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const scopes = await readScopes(checkedNodes(chainId) ?? [], sender, key, { signal }).catch(() => undefined)
  const refused = calls.some(({ to, data }) => {
    const rules = scopes?.filter(({ target }) => target === to)
    const first: Hex = `0x${data.slice(34, 74)}`
    return rules?.some(({ selectors }) => allows(selectors, selectorOf(data), first)) === false
  })
  if (refused) throw failed('The access key may only pay its recipients, so nothing was signed')
}

const selectorOf = (data: Hex): Hex => `0x${data.slice(2, 10)}`

/** A contract without rules is fully open, and so is a rule without recipients. */
function allows(selectors: CallScope['selectors'], selector: Hex, to: Hex): boolean {
  if (selectors.length === 0) return true
  const rule = selectors.find((each) => each.selector === selector)
  return rule !== undefined && (rule.recipients.length === 0 || rule.recipients.includes(to))
}
