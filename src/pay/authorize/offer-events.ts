import type { PaymentId } from '../../ledger/index.js'
import type { Resource } from '../../protocol/index.js'
import type { Emitter } from '../events.js'
import type { Candidate } from './candidates.js'

/** Tells listeners what was offered for one call and what was decided: each of it once. */
export class OfferEvents {
  readonly #emitter: Emitter
  readonly #at: Resource
  #decided = false
  #strangersTold = false

  constructor(emitter: Emitter, at: Resource) {
    this.#emitter = emitter
    this.#at = at
  }

  offers(ranked: readonly Candidate[]): void {
    if (!this.#emitter.heard('offer')) return
    this.#emitter.emit('offer', { resource: this.#at, terms: ranked.map(({ quote }) => quote.terms) })
  }

  /** A vendor that suddenly wants its money elsewhere may have been taken over, whatever policy says about it. */
  strangers(payment: PaymentId, ranked: readonly Candidate[]): void {
    const reasons = ranked.flatMap(({ decision }) => (decision.effect === 'allow' ? [] : decision.reasons))
    const stranger = reasons.find(({ rule }) => rule === 'payees.pinned' || rule === 'ask.newPayee')
    if (stranger === undefined || this.#strangersTold) return
    this.#strangersTold = true
    const { message } = stranger
    this.#emitter.emit('anomaly', { kind: 'payee_changed', payment, message })
  }

  /** Only where it is this call's to decide: an SDK's retry of a paid call decides nothing. */
  decision(payment: PaymentId, { decision, quote }: Candidate): void {
    if (this.#decided) return
    this.#decided = true
    const { effect, reasons } = decision
    this.#emitter.emit('decision', { payment, resource: this.#at, terms: quote.terms, effect, reasons })
  }
}
