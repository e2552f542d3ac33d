/** A payee that a vendor's rail is held to. Provisional while only payments that are not yet delivered support it. */
export interface Pin {
  readonly rail: string
  readonly payee: string
  /** The payment that supports it; absent once one was settled and delivered. */
  readonly payment?: string
}

/** The payees of a rail, confirmed and provisional, in order. */
export function pinned(pins: readonly Pin[], rail: string): readonly string[] {
  return [...new Set(pins.filter((pin) => pin.rail === rail).map((pin) => pin.payee))].sort()
}

/** Every rail with its payees. */
export function pinsByRail(pins: readonly Pin[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    [...new Set(pins.map((pin) => pin.rail))].map((rail) => [rail, pinned(pins, rail)]),
  )
}

/**
 * May these payees be paid on this rail? The pins that a commit adds; undefined if another payee is pinned there.
 *
 * @param widen A person approved payees beyond the pinned ones.
 */
export function pinsToAdd(
  pins: readonly Pin[],
  rail: string,
  payees: readonly string[],
  payment: string,
  widen: boolean,
): readonly Pin[] | undefined {
  const known = pinned(pins, rail)
  if (known.length > 0 && !widen && payees.some((payee) => !known.includes(payee))) return undefined
  const settled = (payee: string): boolean =>
    pins.some((pin) => pin.rail === rail && pin.payee === payee && pin.payment === undefined)
  return [...new Set(payees)].filter((p) => !settled(p)).map((payee) => ({ rail, payee, payment }))
}

/** Do both lists hold a vendor's rails to the same payees? */
export function samePins(a: readonly Pin[], b: readonly Pin[]): boolean {
  const names = (pins: readonly Pin[]): string =>
    JSON.stringify([...new Set(pins.map(({ rail, payee }) => `${rail}\n${payee}`))].sort())
  return names(a) === names(b)
}
