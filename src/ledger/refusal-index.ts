import { compositeKey } from './composite-key.js'
import { addMember, setMembership } from './map-of-sets.js'
import type { PaymentRow } from './payment-row.js'
import type { PaymentId } from './port.js'

/** Indexes refusals in memory by their request and by their age. */
export class RefusalIndex {
  /** All refusals in the order in which they were recorded. */
  readonly #all = new Set<PaymentId>()
  readonly #byRequest = new Map<string, Set<PaymentId>>()

  add({ id, context, fingerprint }: PaymentRow): void {
    this.#all.add(id)
    addMember(this.#byRequest, compositeKey(context.agent, fingerprint), id)
  }

  drop({ id, context, fingerprint }: PaymentRow): void {
    this.#all.delete(id)
    setMembership(this.#byRequest, compositeKey(context.agent, fingerprint), id, false)
  }

  /** Returns the newest refusals of one request, the newest first. */
  of(agent: string, fingerprint: string): readonly PaymentId[] {
    return [...(this.#byRequest.get(compositeKey(agent, fingerprint)) ?? [])].reverse()
  }

  oldestFirst(): Iterable<PaymentId> {
    return this.#all
  }
}
