/**
 * A payee that a vendor's rail is restricted to. The pin is provisional until a payment to the payee was settled and
 * delivered.
 */
export interface Pin {
  readonly rail: string
  readonly payee: string
  /** The payment that holds the pin while a process works on it. Absent after a payment was settled and delivered. */
  readonly payment?: string
  /** A person approved this payee in addition to the pinned ones. */
  readonly widened?: true
}

/** Returns the payees of a rail, confirmed and provisional, in order. */
export function pinned(pins: readonly Pin[], rail: string): readonly string[] {
  return [...new Set(pins.filter((pin) => pin.rail === rail).map((pin) => pin.payee))].sort()
}

/** Returns every rail with its payees. */
export function pinsByRail(pins: readonly Pin[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    [...new Set(pins.map((pin) => pin.rail))].map((rail) => [rail, pinned(pins, rail)]),
  )
}

/**
 * Returns the pins that a commit adds, if these payees may be paid on this rail. Returns undefined if another payee is
 * pinned there.
 *
 * @param widen - A person approved payees in addition to the pinned ones.
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
  const there = (payee: string): boolean =>
    pins.some(
      (pin) =>
        pin.rail === rail && pin.payee === payee && (pin.payment === undefined || pin.payment === payment),
    )
  return [...new Set(payees)]
    .filter((payee) => !there(payee))
    .map((payee) => ({ rail, payee, payment, ...(widen ? { widened: true } : {}) }))
}

/**
 * Returns the pins after a payment to these payees was settled and delivered. The first such payment decides. If other
 * payees were paid at the same time, they are pinned only if a person approved them.
 */
export function pinsAfterDelivery(
  pins: readonly Pin[],
  rail: string,
  payees: readonly string[],
  { payment, widened }: { readonly payment: string; readonly widened: boolean },
): readonly Pin[] {
  const others = pins.filter((pin) => pin.payment !== payment)
  if (payees.length === 0) return others
  const confirmed = others.filter((pin) => pin.rail === rail && pin.payment === undefined)
  const added = payees.filter((payee) => confirmed.every((pin) => pin.payee !== payee))
  if (confirmed.length > 0 && added.length > 0 && !widened) return others
  const kept = others.filter(
    (pin) => pin.rail !== rail || pin.payment === undefined || (pin.widened && !added.includes(pin.payee)),
  )
  return [...kept, ...added.map((payee): Pin => ({ rail, payee }))]
}

/** Returns whether both lists restrict a vendor's rails to the same payees. */
export function samePins(a: readonly Pin[], b: readonly Pin[]): boolean {
  const names = (pins: readonly Pin[]): string =>
    JSON.stringify([...new Set(pins.map(({ rail, payee }) => `${rail}\n${payee}`))].sort())
  return names(a) === names(b)
}
