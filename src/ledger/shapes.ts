import type { Instant } from '../money/index.js'
import type { CounterClaim, Dimension, Dimensions, Scope } from '../policy/index.js'
import { inScope } from '../policy/index.js'
import { own } from '../util/objects.js'

/** What all counters of one budget have in common: what they count, over which window, and by what. */
export interface Shape {
  readonly counts: CounterClaim['counts']
  readonly window: string
  /** Absent: of payments under any name, as with remembered approvals. */
  readonly policy?: string
  readonly by: readonly Dimension[]
  /** A vendor pattern. It cannot be told from a vendor, so each has a shape of its own. */
  readonly wildcard?: string
  /** Only payments outside of any task: those in one have counters by other dimensions. */
  readonly taskless?: true
}

/** A shape that the ledger counts: every payment made since counts on each of its counters that it is in the scope of. */
export interface KnownShape extends Shape {
  /** How wide a bucket of a rolling window is, in milliseconds. */
  readonly width?: number
  /** Set if there were payments before it: how far those are counted. */
  readonly fill?: Fill
}

/** The stored payments that a new shape is filled from, in the order they were made. */
export interface Fill {
  /** The number of this fill. A payment that was held before has a lower one: see `Row.filled`. */
  readonly number: number
  /** The window that it was first asked for, and where in it a payment of that moment counts. */
  readonly from: Instant
  readonly at: Instant
  /** The window lies in a future that was taken back: payments count at their own moment. */
  readonly exact?: true
  /** Payments up to that place are counted. */
  readonly through: number
  /** The last payment that was there before the shape was. */
  readonly until: number
}

/** Are payments counted that were there before the shape was? */
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

/** The shape of a claim's counter, among those that the ledger counts. */
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

/** Every scope of that shape which a payment along these dimensions is in. */
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
    // Nearly always there is one value: every hold comes by here, and writes it where it is.
    const more = others.flatMap((value) => scopes.map((scope) => own({ ...scope, [dimension]: value })))
    for (const scope of scopes) scope[dimension] = first
    if (more.length > 0) scopes = [...scopes, ...more]
  }
  return shape.wildcard === undefined ? scopes : scopes.filter((scope) => inScope(scope, of))
}

/** A payment's values along a dimension; an empty one stands for having none. */
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
