import { type Amount, amount, compare } from '../money/index.js'
import type { Payee, Terms } from './types.js'

/**
 * Tells whether terms `a` are no worse than `b` in every field. Approvals, renewed challenges and retries use this
 * partial order: same purpose, kind, network and escrow; no higher price, fee bound or lock, in the same currency;
 * exact if `b` was; no payee that `b` did not have, and no larger amount for a payee.
 *
 * @example
 * ```ts
 * noWorse({ ...terms, payees: [{ id: '0x…', amount: terms.most }] }, terms) // false
 * ```
 */
export function noWorse(a: Terms, b: Terms): boolean {
  return (
    a.purpose === b.purpose &&
    a.kind === b.kind &&
    a.network === b.network &&
    noMore(a.most, b.most) &&
    (a.exact || !b.exact) &&
    (a.fee === undefined || (b.fee !== undefined && noMore(a.fee.bound, b.fee.bound))) &&
    (a.locks === undefined || (b.locks !== undefined && noMore(a.locks, b.locks))) &&
    a.escrow === b.escrow &&
    noWorsePayees(a, b)
  )
}

/**
 * Tells whether terms `a` are no better than terms `b`, which a person denied: the same or worse in every field. The
 * network's fee is ignored: it changes constantly, and a slightly lower fee does not make a new offer.
 */
export function noBetter(a: Terms, b: Terms): boolean {
  return noWorse(feeless(b), feeless(a))
}

function feeless({ fee: _, ...terms }: Terms): Terms {
  return terms
}

function noWorsePayees(a: Terms, b: Terms): boolean {
  // An offer without named payees would evade the denial of every named payee.
  if (a.payees.length === 0 && b.payees.length > 0) return a.most.value === 0n
  const theirs = totals(b.payees)
  return [...totals(a.payees)].every(([key, value]) => value <= (theirs.get(key) ?? -1n))
}

function totals(payees: readonly Payee[]): ReadonlyMap<string, bigint> {
  const sums = new Map<string, bigint>()
  for (const { id, amount: part } of payees) {
    const key = JSON.stringify([id, part.currency.id])
    sums.set(key, (sums.get(key) ?? 0n) + part.value)
  }
  return sums
}

function noMore(a: Amount, b: Amount): boolean {
  return a.currency.id === b.currency.id && compare(a, b) <= 0
}

/**
 * Returns a key for terms: equal terms have equal keys, so that the denial of terms can be remembered. The usual fee is
 * not part of it.
 */
export function termsKey(terms: Terms): string {
  const text = (sum: Amount | undefined) => (sum === undefined ? null : `${sum.value} ${sum.currency.id}`)
  return JSON.stringify([
    terms.purpose,
    terms.kind,
    terms.network,
    text(terms.most),
    terms.exact,
    [...totals(terms.payees)].map(([key, value]) => `${key} ${value}`).sort(),
    text(terms.fee?.bound),
    text(terms.locks),
    ...(terms.escrow === undefined ? [] : [terms.escrow]),
  ])
}

/**
 * Returns a settled amount in the currency of the terms. The payment counts by the decimals and the rate of its
 * authorization, even if another process or a later start uses other ones.
 */
export function asAgreed(moved: Amount, { most, fee, locks }: Terms): Amount {
  const { id } = moved.currency
  const agreed = [most, fee?.bound, locks].find((known) => known?.currency.id === id)
  return agreed === undefined ? moved : amount(moved.value, agreed.currency)
}
