import type { Instant } from '../money/index.js'
import type { CounterClaim, Dimension, Dimensions, Scope } from '../policy/index.js'
import { inScope } from '../policy/index.js'
import { own } from '../util/objects.js'

/** The common part of all counters of one budget: what they count, over which window, and by which dimensions. */
export interface Shape {
  readonly counts: CounterClaim['counts']
  readonly window: string
  /** The policy. Absent if the counters include payments under every policy name, as for remembered approvals. */
  readonly policy?: string
  readonly by: readonly Dimension[]
  /** A vendor pattern. It could be confused with a vendor, so each pattern has its own shape. */
  readonly wildcard?: string
  /** Only payments outside of every task. Payments in a task have counters by other dimensions. */
  readonly taskless?: true
}

/**
 * A shape that the ledger counts. Every payment since it was added counts on each of its counters whose scope contains
 * the payment.
 */
export interface KnownShape extends Shape {
  /** The width of a bucket of a rolling window, in milliseconds. */
  readonly width?: number
  /** Set if there were payments before the shape. It records how many of them are counted. */
  readonly fill?: Fill
}

/** The progress of filling a new shape from stored payments, in the order of creation. */
export interface Fill {
  /** The number of this fill. A payment that was held before the fill has a lower number: see `PaymentRow.filled`. */
  readonly number: number
  /** The first requested window, and the position in it where a payment of that moment counts. */
  readonly from: Instant
  readonly at: Instant
  /** The window was in a future that was reversed. Payments count at their own time. */
  readonly exact?: true
  /** Payments up to this place are counted. */
  readonly through: number
  /** The last payment before the shape was added. */
  readonly until: number
}

/** Returns whether all payments from before the shape are counted. */
export function isFilled({ fill }: KnownShape): boolean {
  return fill === undefined || fill.through >= fill.until
}

const DIMENSIONS = [
  'agent',
  'task',
  'vendor',
  'payee',
  'category',
  'tool',
  'network',
  'grant',
  'unit',
] as const

export function shapeOf({ counts, window, scope }: Pick<CounterClaim, 'counts' | 'window' | 'scope'>): Shape {
  const by = DIMENSIONS.filter((dimension) => scope[dimension] !== undefined)
  const { policy, vendor } = scope
  return own({
    counts,
    window,
    by,
    ...(policy === undefined ? {} : { policy }),
    ...(vendor?.includes('*') ? { wildcard: vendor } : {}),
    ...(scope.task === '' ? { taskless: true } : {}),
  })
}

/** Returns the shape of a claim's counter, if the ledger counts that shape. */
export function shapeFor(
  shapes: readonly KnownShape[],
  { counts, window, scope }: Pick<CounterClaim, 'counts' | 'window' | 'scope'>,
): KnownShape | undefined {
  const wildcard = scope.vendor?.includes('*') ? scope.vendor : undefined
  return shapes.find(
    (shape) =>
      shape.window === window &&
      shape.counts === counts &&
      shape.policy === scope.policy &&
      shape.wildcard === wildcard &&
      (shape.taskless === true) === (scope.task === '') &&
      DIMENSIONS.every((dimension) => (scope[dimension] !== undefined) === shape.by.includes(dimension)),
  )
}

export function sameScope(a: Scope, b: Scope): boolean {
  return a.policy === b.policy && DIMENSIONS.every((dimension) => a[dimension] === b[dimension])
}

/** Returns every scope of a shape that contains a payment with these dimensions. */
export function scopesOf(shape: Shape, of: Dimensions): readonly Scope[] {
  const { policy } = shape
  if (policy !== undefined && policy !== of.policy) return []
  if (shape.taskless === true && of.tasks.length > 0) return []
  let scopes: readonly { -readonly [Name in keyof Scope]: Scope[Name] }[] = [
    own(policy === undefined ? {} : { policy }),
  ]
  for (const dimension of shape.by) {
    const [first, ...others] =
      dimension === 'vendor' ? [shape.wildcard ?? of.vendor] : valuesOf(dimension, of)
    if (first === undefined) return []
    // Nearly always there is only one value. Every hold runs this code, so that case changes the objects in place.
    const more = others.flatMap((value) => scopes.map((scope) => own({ ...scope, [dimension]: value })))
    for (const scope of scopes) scope[dimension] = first
    if (more.length > 0) scopes = [...scopes, ...more]
  }
  return shape.wildcard === undefined ? scopes : scopes.filter((scope) => inScope(scope, of))
}

/** Returns a payment's values along a dimension. An empty value means that the payment has none. */
export function valuesOf(dimension: Exclude<Dimension, 'vendor'>, of: Dimensions): readonly string[] {
  const orNone = (values: readonly string[]): readonly string[] => (values.length === 0 ? [''] : values)
  switch (dimension) {
    case 'agent':
      return [of.agent]
    case 'task':
      return orNone(of.tasks)
    case 'payee':
      return orNone(Object.keys(of.payees))
    case 'category':
      return orNone((of.category ?? '').split(',').filter((name) => name !== ''))
    case 'tool':
      return [of.tool ?? '']
    case 'network':
      return [of.network]
    case 'grant':
      return of.grant === undefined ? [] : [of.grant]
    case 'unit':
      return [of.unit]
  }
}
