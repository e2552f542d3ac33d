import { type Amount, count, type Instant } from '../money/index.js'
import { asAgreed } from '../policy/agreed.js'
import type { CounterClaim, Dimension, Dimensions, Scope } from '../policy/index.js'
import { counterKey, inScope } from '../policy/index.js'
import type { Charge, Counted, Row } from './row.js'
import { valuesOf } from './shapes.js'

/** A counter as the ledger knows it: its structure, and the window it was first asked for. */
export interface Counter {
  readonly key: string
  readonly counts: CounterClaim['counts']
  readonly scope: Scope
  readonly window: string
  readonly from: Instant
  readonly at: Instant
  /** Set where it was filled from stored payments: those do not name it among their claims. */
  readonly filled?: number
}

/** What a payment counts for on one counter. */
export interface Weight {
  readonly at: Instant
  readonly held: bigint
  readonly spent: bigint
}

/** A change of one bucket. */
export interface Effect {
  readonly key: string
  readonly at: Instant
  readonly change: bigint
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

export function counterOf(claim: CounterClaim): Counter {
  const { counts, scope, window, from, at } = claim
  return { key: keyOf(claim), counts, scope, window, from, at }
}

/**
 * What a payment counts for, by counter: a pure function of its row, so that counters can be rebuilt from payments.
 *
 * @param late Counters that were filled after this payment was held; it counts there without having claimed it.
 */
export function weights(row: Row, late: readonly Counter[]): Map<string, Weight> {
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
export function unitsOf(row: Row): bigint {
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

/**
 * From one set of weights to another, as changes of buckets. A bucket knows what counts and not what of it is held, so
 * a payment that settles as it was held changes none.
 */
export function changes(
  before: ReadonlyMap<string, Weight>,
  after: ReadonlyMap<string, Weight>,
): readonly Effect[] {
  const effects: Effect[] = []
  const push = (key: string, at: Instant, change: bigint): void => {
    if (change !== 0n) effects.push({ key, at, change })
  }
  for (const [key, was] of before) {
    const is = after.get(key)
    if (is !== undefined && is.at === was.at) push(key, is.at, total(is) - total(was))
    else push(key, was.at, -total(was))
  }
  for (const [key, is] of after) {
    if (before.get(key)?.at !== is.at) push(key, is.at, total(is))
  }
  return effects
}

/** Does a payment surely count for the same before and after? The commit of what was held changes nothing. */
export function countsAlike(before: Row, after: Row): boolean {
  const underWay = ({ state }: Row): boolean => state === 'held' || state === 'committed'
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
export function bucketFor({ from, at }: Pick<Counter, 'from' | 'at'>, moment: Instant): Instant | undefined {
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

function* withLate(charge: Charge, late: readonly Counter[]): Iterable<Counted> {
  yield* charge.counted
  const own = new Set(charge.counted.map(({ key }) => key))
  for (const { key, counts, scope, from, at } of late) {
    if (own.has(key) || !inScope(scope, charge.dimensions)) continue
    const bucket = bucketFor({ from, at }, charge.at)
    if (bucket === undefined) continue
    const amount = amountIn(counts, scope, charge)
    yield { key, counts, payee: scope.payee !== undefined, at: bucket, amount }
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

function weigh(row: Row, charge: Charge, { counts, payee, at, amount }: Counted): Weight {
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
function settledUnits(row: Row, charge: Charge): { readonly price: bigint; readonly fee: bigint } {
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

/** Dimensions whose values a payment names exactly. A vendor is matched by patterns, so it is not among them. */
const EXACT = ['agent', 'task', 'payee', 'category', 'tool', 'network', 'grant', 'unit'] as const

/** The names along which a payment is known: a counter of a name that was never seen is empty without looking. */
export function traitsOf(of: Dimensions): readonly string[] {
  const names: string[] = []
  for (const dimension of EXACT)
    for (const value of valuesOf(dimension, of)) names.push(trait(of.policy, dimension, value))
  return names
}

/** The names a payment must have to be in that scope. An empty value stands for having none, which any may. */
export function traitsNeeded(scope: Scope): readonly string[] {
  return EXACT.flatMap((dimension) => {
    const value = scope[dimension]
    if (value === undefined || value === '') return []
    // Names other than a remembered approval's are kept under a policy's name.
    if (scope.policy === undefined && dimension !== 'grant') return []
    return [trait(scope.policy, dimension, value)]
  })
}

/** A remembered approval belongs to no policy, so nor does its name. */
function trait(policy: string | undefined, dimension: Dimension, value: string): string {
  const owner = dimension === 'grant' ? '' : (policy ?? '')
  return `${dimension} ${owner.length} ${owner} ${value}`
}
