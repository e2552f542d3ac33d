import type { Ledger } from '../ledger/index.js'

/** How many pursers use a ledger. */
const users = new WeakMap<Ledger, number>()

/** One more purser uses this ledger. */
export function useLedger(ledger: Ledger): void {
  users.set(ledger, (users.get(ledger) ?? 0) + 1)
}

/** A purser that used this ledger is closed; the ledger is closed with the last of them. */
export async function leaveLedger(ledger: Ledger): Promise<void> {
  const others = (users.get(ledger) ?? 1) - 1
  users.set(ledger, others)
  if (others === 0) await ledger.close()
}
