import type { PaymentId } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import type { Credential } from '../../protocol/index.js'

/** A credential that has left, with what is needed to send the same one again. */
export interface LiveCredential {
  readonly credential: Credential
  readonly key: string
  readonly goodUntil: Instant
  readonly nextLaneValue?: bigint
}

/** How many live credentials are kept at the most; each lives for seconds. */
const MOST = 1_000

/** Live credentials by payment. A credential is a bearer secret: it is dropped at its end, and never written down. */
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
      // In insertion order and nearly in order of expiry: the first live one ends the sweep.
      if (goodUntil > now && this.#sent.size < MOST) break
      this.#sent.delete(other)
    }
    this.#sent.set(id, sent)
  }

  drop(id: PaymentId): void {
    this.#sent.delete(id)
  }
}
