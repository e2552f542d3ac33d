import type { OfferKind } from './types.js'

/** The range of one `Accept-Payment` entry: a kind, or a wildcard for its method, its intent, or both. */
export type PaymentRange = OfferKind | `${string}/*` | '*/*'

/** One entry of `Accept-Payment`: a range and its preference from 0 (never) to 1 (the default). */
export interface Preference {
  readonly kind: PaymentRange
  readonly q?: number
}

const MAX_HEADER = 8 * 1024
// Methods are lower case; intents may have capitals, as in challenges.
const RANGE = /^(?:[a-z0-9][a-z0-9:_-]*|\*)\/(?:[A-Za-z0-9][A-Za-z0-9:_-]*|\*)$/
// `weight` of RFC 9110, section 12.4.2.
const WEIGHT = /^q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/i

/**
 * Formats preferences as an `Accept-Payment` header in the given order (draft-httpauth-payment, section 7.4).
 *
 * @throws TypeError if a kind is not `method/intent`, or if a `q` is not between 0 and 1.
 * @example
 * ```ts
 * formatAcceptPayment([{ kind: 'tempo/charge' }, { kind: 'stripe/charge', q: 0.5 }]) // 'tempo/charge, stripe/charge;q=0.5'
 * ```
 */
export function formatAcceptPayment(preferences: readonly Preference[]): string {
  return preferences.map(formatPreference).join(', ')
}

/** Tells whether a value has a kind of `method/intent` and, if present, a `q` from 0 to 1. */
export function isPreference(value: unknown): value is Preference {
  const { kind, q = 1 }: { readonly kind?: unknown; readonly q?: unknown } = Object(value)
  return typeof kind === 'string' && isRange(kind) && typeof q === 'number' && q >= 0 && q <= 1
}

function formatPreference(preference: Preference): string {
  if (!isPreference(preference))
    throw new TypeError('A payment preference is a method and an intent, "tempo/charge", and a q from 0 to 1')
  const { kind, q = 1 } = preference
  if (q === 1) return kind
  // At most three decimals. A weight above 0 is not rounded to "never", and a weight below 1 is not rounded to 1.
  const weight = q === 0 ? 0 : Math.min(999, Math.max(1, Math.round(q * 1000)))
  return `${kind};q=${weight / 1000}`
}

/**
 * Parses an `Accept-Payment` header.
 *
 * @returns Undefined if any entry is malformed: the header then has no meaning.
 * @example
 * ```ts
 * parseAcceptPayment('tempo/*, stripe/charge;q=0.5')
 * ```
 */
export function parseAcceptPayment(header: string): readonly Preference[] | undefined {
  if (header.length > MAX_HEADER) return undefined
  const preferences: Preference[] = []
  for (const item of header.split(',')) {
    const entry = item.trim()
    if (entry === '') continue
    const preference = parsePreference(entry)
    if (preference === undefined) return undefined
    preferences.push(preference)
  }
  return preferences.length === 0 ? undefined : preferences
}

function parsePreference(entry: string): Preference | undefined {
  const [range = '', weight, ...more] = entry.split(';').map((part) => part.trim())
  if (!isRange(range) || more.length > 0) return undefined
  if (weight === undefined) return { kind: range }
  const q = WEIGHT.exec(weight)?.[1]
  return q === undefined ? undefined : { kind: range, q: Number(q) }
}

function isRange(text: string): text is PaymentRange {
  return RANGE.test(text)
}

/**
 * Returns the preference for a kind, and the position of the entry that sets it. The most specific matching range
 * decides; of equally specific ranges, the one with the higher `q`.
 *
 * @param unnamed - The `q` of a kind that no entry names. It ranks after entries with full preference and before
 *   entries with less.
 */
export function likingOf(
  preferences: readonly Preference[],
  kind: OfferKind,
  unnamed = preferences.length === 0 ? 1 : 0.9,
): { readonly q: number; readonly place: number } {
  let best = -1
  let found = { q: unnamed, place: preferences.length }
  for (const [place, { kind: range, q = 1 }] of preferences.entries()) {
    const specificity = match(range, kind)
    if (specificity < 0 || specificity < best) continue
    if (specificity === best && found.q >= q) continue
    best = specificity
    found = { q, place }
  }
  return found
}

/**
 * Returns the preference for a kind: the `q` of the most specific matching range, 0 if none matches. Of equally
 * specific ranges the higher `q` counts.
 *
 * @example
 * ```ts
 * const preferences = parseAcceptPayment('tempo/*, stripe/charge;q=0.5') ?? []
 * acceptQuality(preferences, 'stripe/charge') // 0.5
 * ```
 */
export function acceptQuality(preferences: readonly Preference[], kind: OfferKind): number {
  return likingOf(preferences, kind, 0).q
}

/** Returns how specifically a range matches a kind: 2 exactly, 1 with one wildcard, 0 with two, −1 not at all. */
function match(range: PaymentRange, kind: OfferKind): number {
  if (range === kind) return 2
  const [method, intent] = range.split('/')
  const [wantedMethod, wantedIntent] = kind.split('/')
  if (method !== '*' && method !== wantedMethod) return -1
  if (intent !== '*' && intent !== wantedIntent) return -1
  return (method === '*' ? 0 : 1) + (intent === '*' ? 0 : 1)
}
