import type { PaymentId } from '../ledger/index.js'
import type { Instant } from '../money/index.js'
import type { Credential } from '../protocol/index.js'

// The memory of one process, which each call and each recovery shares. The ledger holds the rest.

/** A credential that has left, with the values that are needed to send it again. */
export interface LiveCredential {
  readonly credential: Credential
  readonly key: string
  readonly goodUntil: Instant
  readonly nextLaneValue?: bigint | undefined
}

/** How many live credentials are kept at most. Each lives for seconds. */
const MOST_CREDENTIALS = 1_000

/**
 * Live credentials by payment. A credential is a bearer secret, so it is dropped at its end and never stored on a disk.
 */
export class LiveCredentials {
  readonly #sent = new Map<PaymentId, LiveCredential>()

  get(id: PaymentId, now: Instant): LiveCredential | undefined {
    const sent = this.#sent.get(id)
    if (sent === undefined || sent.goodUntil > now) return sent
    this.#sent.delete(id)
    return undefined
  }

  put(id: PaymentId, sent: LiveCredential, now: Instant): void {
    for (const [other, { goodUntil }] of this.#sent) {
      // The order of insertion is nearly the order of expiry, so the first live credential ends the sweep.
      if (goodUntil > now && this.#sent.size < MOST_CREDENTIALS) break
      this.#sent.delete(other)
    }
    this.#sent.set(id, sent)
  }

  drop(id: PaymentId): void {
    this.#sent.delete(id)
  }
}

/**
 * Keeps a call that continues an earlier payment and a recovery that would end it apart, within one process. The ledger
 * keeps processes apart.
 */
export class PaymentLocks {
  readonly #calls = new Map<PaymentId, number>()
  readonly #recoveries = new Map<PaymentId, Promise<unknown>>()

  /** Runs the work of a call that continues the payment. No recovery of it starts meanwhile. */
  async call<T>(id: PaymentId, work: () => Promise<T>): Promise<T> {
    return counted(this.#calls, id, work)
  }

  /** Resolves when no recovery works on the payment. */
  async free(id: PaymentId): Promise<void> {
    await this.#recoveries.get(id)?.catch(() => undefined)
  }

  /** @returns Undefined if a call continues the payment: nothing was done. */
  async recovery<T>(id: PaymentId, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#calls.has(id)) return undefined
    const working = work()
    this.#recoveries.set(id, working)
    try {
      return await working
    } finally {
      if (this.#recoveries.get(id) === working) this.#recoveries.delete(id)
    }
  }
}

/** How many payments are remembered. A forgotten one is only inspected once more. */
const MOST_POSTPONED = 4_096

/**
 * The payments that this process is inspecting, and those that it has inspected in vain. Background recovery leaves
 * both out: else it would ask again and again about a payment that no rail can end.
 */
export class RecoverySchedule {
  readonly #inspecting = new Map<PaymentId, number>()
  readonly #until = new Map<PaymentId, Instant>()

  /** Whether background recovery may inspect the payment now. */
  allows(id: PaymentId, now: Instant): boolean {
    return !this.#inspecting.has(id) && (this.#until.get(id) ?? now) <= now
  }

  async during<T>(id: PaymentId, work: () => Promise<T>): Promise<T> {
    return counted(this.#inspecting, id, work)
  }

  /** Leaves the payment out until then, because an inspection brought nothing. */
  postpone(id: PaymentId, until: Instant): void {
    this.#until.delete(id)
    this.#until.set(id, until)
    for (const oldest of this.#until.keys()) {
      if (this.#until.size <= MOST_POSTPONED) return
      this.#until.delete(oldest)
    }
  }

  /** Forgets a payment whose end is known. */
  forget(id: PaymentId): void {
    this.#until.delete(id)
  }
}

/** Counts a payment as under work until the work ends. */
async function counted<T>(counts: Map<PaymentId, number>, id: PaymentId, work: () => Promise<T>): Promise<T> {
  counts.set(id, (counts.get(id) ?? 0) + 1)
  try {
    return await work()
  } finally {
    const others = (counts.get(id) ?? 1) - 1
    if (others === 0) counts.delete(id)
    else counts.set(id, others)
  }
}
