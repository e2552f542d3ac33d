import type { Ledger } from '../ledger/index.js'

/** The number of pursers that use a ledger. */
const users = new WeakMap<Ledger, number>()

/** Counts one more purser of this ledger. */
export function useLedger(ledger: Ledger): void {
  users.set(ledger, (users.get(ledger) ?? 0) + 1)
}

/** Counts one purser less, and closes the ledger after the last one. */
export async function leaveLedger(ledger: Ledger): Promise<void> {
  const others = (users.get(ledger) ?? 1) - 1
  users.set(ledger, others)
  if (others === 0) await ledger.close()
}
