import { preferenceFor } from '../protocol/accept-payment.js'
import type { OfferKind, Preference } from '../protocol/index.js'

/** How much a kind is liked that no preference names: after what is simply preferred, before what is preferred less. */
const UNNAMED = 0.9

/** How much a kind is liked, and by which preference: of two that are liked alike, the one named first comes first. */
export function likingOf(
  prefer: readonly Preference[],
  kind: OfferKind,
): { readonly q: number; readonly place: number } {
  return preferenceFor(prefer, kind) ?? { q: prefer.length === 0 ? 1 : UNNAMED, place: prefer.length }
}
