import type { Payment, PaymentId } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'

/** The first look at what a rail should show soon, and the longest pause between two looks. */
const FIRST_MS = 10_000
const LONGEST_MS = 86_400_000
/** Moments are rounded up to these, so that payments are looked at in batches. */
const GRID_MS = 5_000
/** How many payments are remembered. What is forgotten is looked at once more, and nothing else. */
const MOST_REMEMBERED = 4_096

/**
 * When to look at a payment again after a look that brought nothing: after as long as it has existed, so each pause is
 * twice the one before. At least ten seconds, at most a day; it is never given up.
 */
export function nextInspection({ attempts, createdAt }: Payment, now: Instant): Instant {
  const age = now - (attempts.at(-1)?.at ?? createdAt)
  return onGrid(now + Math.min(Math.max(age, FIRST_MS), LONGEST_MS))
}

/** When the fee of a payment that settles now is first read. */
export function firstFeeInspection(now: Instant): Instant {
  return onGrid(now + FIRST_MS)
}

function onGrid(at: Instant): Instant {
  return Math.ceil(at / GRID_MS) * GRID_MS
}

/**
 * What this process is looking at, and which doubts it has looked at in vain. Looking that nobody asked for passes over
 * both: a doubt that no rail can end would else be asked about again and again.
 */
export class RecoverySchedule {
  readonly #looking = new Map<PaymentId, number>()
  readonly #until = new Map<PaymentId, Instant>()

  /** May work that nobody asked for look at it now? */
  allows(id: PaymentId, now: Instant): boolean {
    return !this.#looking.has(id) && (this.#until.get(id) ?? now) <= now
  }

  async during<T>(id: PaymentId, look: () => Promise<T>): Promise<T> {
    this.#looking.set(id, (this.#looking.get(id) ?? 0) + 1)
    try {
      return await look()
    } finally {
      const others = (this.#looking.get(id) ?? 1) - 1
      if (others === 0) this.#looking.delete(id)
      else this.#looking.set(id, others)
    }
  }

  /** It was looked at in vain. */
  putOff(id: PaymentId, until: Instant): void {
    this.#until.delete(id)
    this.#until.set(id, until)
    for (const oldest of this.#until.keys()) {
      if (this.#until.size <= MOST_REMEMBERED) return
      this.#until.delete(oldest)
    }
  }

  /** Its end is known. */
  forget(id: PaymentId): void {
    this.#until.delete(id)
  }
}
