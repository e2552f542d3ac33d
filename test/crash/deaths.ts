/** How the payers of the tests die. In a power cut all of a ledger's processes do, and what was not synced is lost. */
export type Death = 'kill' | 'power cut'

/** What one payer dies of, and at which boundary between two steps. */
export interface Fate {
  readonly death: Death
  readonly killAt: number
}

/** A kill at every boundary. */
export function kills(boundaries: number): readonly Fate[] {
  return Array.from({ length: boundaries }, (_, index) => ({ death: 'kill', killAt: index + 1 }))
}

/**
 * A power cut at every second boundary: between the end of a step and the beginning of the next one, nothing happens. The
 * last ones come when everything is done.
 */
export function cuts(boundaries: number): readonly Fate[] {
  return Array.from({ length: Math.ceil((boundaries + 1) / 2) }, (_, index) => ({
    death: 'power cut',
    killAt: 2 * index + 1,
  }))
}
