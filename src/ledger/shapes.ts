import type { CounterClaim, Dimension, Dimensions, Scope } from '../policy/index.js'
import { inScope } from '../policy/index.js'

/** What all counters of one budget have in common: what they count, over which window, and by what. */
export interface Shape {
  readonly counts: CounterClaim['counts']
  readonly window: string
  /** Absent: of payments under any name, as with remembered approvals. */
  readonly policy?: string
  readonly by: readonly Dimension[]
  /** A vendor pattern. It cannot be told from a vendor, so each has a shape of its own. */
  readonly wildcard?: string
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
  return {
    counts,
    window,
    by,
    ...(policy === undefined ? {} : { policy }),
    ...(vendor?.includes('*') ? { wildcard: vendor } : {}),
  }
}

export function sameShape(a: Shape, b: Shape): boolean {
  return (
    a.counts === b.counts &&
    a.window === b.window &&
    a.policy === b.policy &&
    a.wildcard === b.wildcard &&
    a.by.join() === b.by.join()
  )
}

export function sameScope(a: Scope, b: Scope): boolean {
  return a.policy === b.policy && DIMENSIONS.every((dimension) => a[dimension] === b[dimension])
}

/** Every scope of that shape which a payment along these dimensions is in. */
export function scopesOf(shape: Shape, of: Dimensions): readonly Scope[] {
  const { policy } = shape
  if (policy !== undefined && policy !== of.policy) return []
  let scopes: readonly { -readonly [Name in keyof Scope]: Scope[Name] }[] = [
    policy === undefined ? {} : { policy },
  ]
  for (const dimension of shape.by) {
    const [first, ...others] =
      dimension === 'vendor' ? [shape.wildcard ?? of.vendor] : valuesOf(dimension, of)
    if (first === undefined) return []
    // Nearly always there is one value: every hold comes by here, and writes it where it is.
    const more = others.flatMap((value) => scopes.map((scope) => ({ ...scope, [dimension]: value })))
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
