import { type Amount, count, type Instant } from '../money/index.js'
import { asAgreed, type CounterClaim, counterKey, type Scope } from '../policy/index.js'
import { own } from '../util/objects.js'
import type { Charge, Counted, PaymentRow } from './payment-row.js'
import { type Fill, type KnownShape, scopesOf } from './shapes.js'

/** What a counter's key says: what it counts, over which window, and of which payments. */
export interface Counter {
  readonly counts: CounterClaim['counts']
  readonly window: string
  readonly scope: Scope
}

/** What a payment counts for on one counter. */
export interface Weight {
  readonly at: Instant
  readonly held: bigint
  readonly spent: bigint
}

/** What counts in a bucket, and what of it is only held. */
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

/** {@link counterKey}, worked out once for each claim: a step asks for it many times. */
export function keyOf(claim: CounterClaim): string {
  const known = keys.get(claim)
  if (known !== undefined) return known
  const key = counterKey(claim)
  keys.set(claim, key)
  return key
}

/** The counter of a key that {@link counterKey} made. Undefined for any other text. */
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
 * What a payment counts for, by counter: a pure function of its row, so that counters can be rebuilt from payments.
 *
 * @param late Shapes that were added after this payment was held; it counts there without having claimed it.
 */
export function weights(row: PaymentRow, late: readonly KnownShape[]): Map<string, Weight> {
  const all = new Map<string, Weight>()
  if (row.state === 'denied') return all
  for (const charge of row.charges) {
    for (const claim of late.length === 0 ? charge.counted : withLate(charge, late)) {
      const weight = weigh(row, charge, claim)
      const before = all.get(claim.key)
      // At most one attempt settles, so the dearest counts; in the latest window, since earlier ones are over.
      all.set(claim.key, before === undefined ? weight : dearer(before, weight))
    }
  }
  return all
}

/** What the payment counts for in all, in units: held, or spent. */
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

/** From one set of weights to another, as changes of buckets. */
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

/** Does a payment surely count for the same before and after? The commit of what was held changes nothing. */
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
 * The bucket of a stored payment in a counter that is filled later. A rolling window lies sixty buckets back from its
 * own, so its width is known; a calendar window is one bucket.
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

/** What a claim makes a payment count for. */
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

/** What a payment counts for in a scope it is in. */
export function amountIn(
  counts: CounterClaim['counts'],
  scope: Scope,
  charge: Pick<Charge, 'units' | 'lock' | 'dimensions'>,
): bigint {
  if (counts === 'payments') return 1n
  if (counts === 'lock') return charge.lock
  if (scope.payee === undefined) return charge.units
  const { payees } = charge.dimensions
  // A payee may be called `constructor`: what every object inherits is no share.
  return Object.hasOwn(payees, scope.payee) ? (payees[scope.payee] ?? 0n) : 0n
}

function weigh(row: PaymentRow, charge: Charge, { counts, payee, at, amount }: Counted): Weight {
  const burnt = counts === 'spend' && !payee ? row.burnt : 0n
  if (counts === 'lock' && row.unlocked === true) return { at, held: 0n, spent: 0n }
  if (row.state === 'released') return { at, held: 0n, spent: burnt }
  if (row.state !== 'settled') return { at, held: amount, spent: burnt }
  // A deposit stays locked until its channel closes; it is never spend.
  if (counts === 'lock') return { at, held: amount, spent: 0n }
  if (counts === 'payments') return { at, held: 0n, spent: amount }
  const { price, fee } = settledUnits(row, charge)
  const whole = !payee && amount === charge.units
  return { at, held: 0n, spent: burnt + (whole ? price + fee : share(amount, price, charge.price)) }
}

/** The price that moved and the fee that was taken; what is unread, or in a currency of no known value, at its bound. */
function settledUnits(row: PaymentRow, charge: Charge): { readonly price: bigint; readonly fee: bigint } {
  const terms = row.attempts[row.charges.indexOf(charge)]?.terms ?? row.terms
  const counted = (moved: Amount | undefined): bigint | undefined =>
    moved === undefined ? undefined : count(asAgreed(moved, terms), charge.dimensions.unit)
  return { price: counted(row.spent) ?? charge.price, fee: counted(row.fee) ?? charge.units - charge.price }
}

/** The part of a claim that moved, rounded up. */
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
