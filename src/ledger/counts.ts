import { type Amount, count, type Instant } from '../money/index.js'
import { asAgreed, type CounterClaim, counterKey, type Scope } from '../policy/index.js'
import { own } from '../util/objects.js'
import type { Charge, Counted, PaymentRow } from './payment-row.js'
import { type Fill, type KnownShape, scopesOf } from './shapes.js'

/** The content of a counter key: what the counter counts, over which window, and of which payments. */
export interface Counter {
  readonly counts: CounterClaim['counts']
  readonly window: string
  readonly scope: Scope
}

/** The amount that a payment counts for on one counter. */
export interface Weight {
  readonly at: Instant
  readonly held: bigint
  readonly spent: bigint
}

/** The amount that counts in a bucket, and the part of it that is only held. */
export interface Counts {
  readonly counted: bigint
  readonly held: bigint
}

/** A change of one bucket. */
export interface Effect extends Counts {
  readonly key: string
  readonly at: Instant
}

const keys = new WeakMap<CounterClaim, string>()

/** Returns {@link counterKey} of a claim. The key is cached, because one step needs it many times. */
export function keyOf(claim: CounterClaim): string {
  const known = keys.get(claim)
  if (known !== undefined) return known
  const key = counterKey(claim)
  keys.set(claim, key)
  return key
}

/** Parses a key from {@link counterKey}. Returns undefined for any other text. */
export function counterOf(key: string): Counter | undefined {
  const read: unknown = JSON.parse(key)
  if (!Array.isArray(read)) return undefined
  const [counts, window, names]: readonly unknown[] = read
  if (counts !== 'spend' && counts !== 'lock' && counts !== 'payments') return undefined
  if (typeof window !== 'string' || !Array.isArray(names)) return undefined
  const scope: Scope = own(Object.fromEntries(names))
  return { counts, window, scope }
}

/**
 * Returns the weight of a payment on each counter. This is a pure function of the row, so counters can be rebuilt from
 * payments.
 *
 * @param late - Shapes that were added after this payment was held. The payment counts on them although it has no claim
 * there.
 */
export function weights(row: PaymentRow, late: readonly KnownShape[]): Map<string, Weight> {
  const all = new Map<string, Weight>()
  if (row.state === 'denied') return all
  for (const charge of row.charges) {
    for (const claim of late.length === 0 ? charge.counted : withLate(charge, late)) {
      const weight = weigh(row, charge, claim)
      const before = all.get(claim.key)
      // // At most one attempt settles, so the most expensive one counts. It counts in the latest window, because
      // earlier ones are over.
      all.set(claim.key, before === undefined ? weight : dearer(before, weight))
    }
  }
  return all
}

/** Returns the total units that the payment counts for, held or spent. */
export function unitsOf(row: PaymentRow): bigint {
  let most = 0n
  if (row.state === 'denied') return most
  for (const charge of row.charges) {
    const { held, spent } = weigh(row, charge, {
      key: '',
      counts: 'spend',
      payee: false,
      at: charge.at,
      amount: charge.units,
    })
    if (held + spent > most) most = held + spent
  }
  return most
}

/** Returns the changes of buckets between two sets of weights. */
export function changes(
  before: ReadonlyMap<string, Weight>,
  after: ReadonlyMap<string, Weight>,
): readonly Effect[] {
  const effects: Effect[] = []
  const push = (key: string, at: Instant, is: Weight, was: Weight): void => {
    const counted = total(is) - total(was)
    const held = is.held - was.held
    if (counted !== 0n || held !== 0n) effects.push({ key, at, counted, held })
  }
  for (const [key, was] of before) {
    const is = after.get(key)
    push(key, was.at, is?.at === was.at ? is : NO_WEIGHT, was)
  }
  for (const [key, is] of after) if (before.get(key)?.at !== is.at) push(key, is.at, is, NO_WEIGHT)
  return effects
}

const NO_WEIGHT: Weight = Object.freeze({ at: 0, held: 0n, spent: 0n })

/**
 * Returns whether a payment certainly counts for the same before and after. For example, the commit of a held payment
 * changes nothing.
 */
export function countsAlike(before: PaymentRow, after: PaymentRow): boolean {
  const underWay = ({ state }: PaymentRow): boolean => state === 'held' || state === 'committed'
  return (
    underWay(before) &&
    underWay(after) &&
    before.charges === after.charges &&
    before.burnt === after.burnt &&
    before.unlocked === after.unlocked
  )
}

export function total({ held, spent }: Weight): bigint {
  return held + spent
}

/**
 * Returns the bucket of a stored payment in a counter that is filled later. A rolling window starts sixty buckets
 * before the payment's own bucket, so its width is known. A calendar window is one bucket.
 */
export function bucketFor(
  { from, at, exact }: Pick<Fill, 'from' | 'at' | 'exact'>,
  moment: Instant,
): Instant | undefined {
  if (exact === true) return moment
  if (moment < from) return undefined
  if (from === at || moment >= at) return at
  const width = (at - from) / 60
  return from + Math.floor((moment - from) / width) * width
}

/** Returns the counted entry that a claim adds to a payment. */
export function countedBy(claim: CounterClaim): Counted {
  const { counts, at, amount, scope } = claim
  return { key: keyOf(claim), counts, payee: scope.payee !== undefined, at, amount }
}

function* withLate(charge: Charge, late: readonly KnownShape[]): Iterable<Counted> {
  yield* charge.counted
  const own = new Set(charge.counted.map(({ key }) => key))
  for (const shape of late) {
    const { counts, window, fill } = shape
    const at = fill === undefined ? undefined : bucketFor(fill, charge.at)
    if (at === undefined) continue
    for (const scope of scopesOf(shape, charge.dimensions)) {
      const key = counterKey({ counts, window, scope })
      const amount = amountIn(counts, scope, charge)
      if (!own.has(key)) yield { key, counts, payee: scope.payee !== undefined, at, amount }
    }
  }
}

/** Returns the amount that a payment counts for in a scope that contains it. */
export function amountIn(
  counts: CounterClaim['counts'],
  scope: Scope,
  charge: Pick<Charge, 'units' | 'lock' | 'dimensions'>,
): bigint {
  if (counts === 'payments') return 1n
  if (counts === 'lock') return charge.lock
  if (scope.payee === undefined) return charge.units
  const { payees } = charge.dimensions
  // // A payee may be named `constructor`, so properties that every object inherits must not be read.
  return Object.hasOwn(payees, scope.payee) ? (payees[scope.payee] ?? 0n) : 0n
}

function weigh(row: PaymentRow, charge: Charge, { counts, payee, at, amount }: Counted): Weight {
  const burnt = counts === 'spend' && !payee ? row.burnt : 0n
  if (counts === 'lock' && row.unlocked === true) return { at, held: 0n, spent: 0n }
  if (row.state === 'released') return { at, held: 0n, spent: burnt }
  if (row.state !== 'settled') return { at, held: amount, spent: burnt }
  // // A deposit stays locked until its channel closes. It never becomes spending.
  if (counts === 'lock') return { at, held: amount, spent: 0n }
  if (counts === 'payments') return { at, held: 0n, spent: amount }
  const { price, fee } = settledUnits(row, charge)
  const whole = !payee && amount === charge.units
  return { at, held: 0n, spent: burnt + (whole ? price + fee : share(amount, price, charge.price)) }
}

/**
 * Returns the price that was paid and the fee that was taken. A fee that is not read yet counts at its bound. So does
 * an amount in a currency without a known value.
 */
function settledUnits(row: PaymentRow, charge: Charge): { readonly price: bigint; readonly fee: bigint } {
  const terms = row.attempts[row.charges.indexOf(charge)]?.terms ?? row.terms
  const counted = (moved: Amount | undefined): bigint | undefined =>
    moved === undefined ? undefined : count(asAgreed(moved, terms), charge.dimensions.unit)
  return { price: counted(row.spent) ?? charge.price, fee: counted(row.fee) ?? charge.units - charge.price }
}

/** Returns the part of a claim that was paid, rounded up. */
function share(amount: bigint, moved: bigint, price: bigint): bigint {
  return price === 0n || moved === price ? amount : (amount * moved + price - 1n) / price
}

function dearer(a: Weight, b: Weight): Weight {
  return {
    at: a.at > b.at ? a.at : b.at,
    held: a.held > b.held ? a.held : b.held,
    spent: a.spent > b.spent ? a.spent : b.spent,
  }
}
