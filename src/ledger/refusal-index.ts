import { nameOf } from './names.js'
import type { PaymentId } from './port.js'
import type { Row } from './row.js'
import { add, keep } from './sets.js'

/** Where refusals are found in memory: by what may be refused again, and by their age. */
export class RefusalIndex {
  /** In the order in which they were recorded. */
  readonly #all = new Set<PaymentId>()
  readonly #byRequest = new Map<string, Set<PaymentId>>()

  add({ id, context, fingerprint }: Row): void {
    this.#all.add(id)
    add(this.#byRequest, nameOf(context.agent, fingerprint), id)
  }

  drop({ id, context, fingerprint }: Row): void {
    this.#all.delete(id)
    keep(this.#byRequest, nameOf(context.agent, fingerprint), id, false)
  }

  /** The newest of one request, the newest first. */
  of(agent: string, fingerprint: string): readonly PaymentId[] {
    return [...(this.#byRequest.get(nameOf(agent, fingerprint)) ?? [])].reverse()
  }

  oldestFirst(): Iterable<PaymentId> {
    return this.#all
  }
}
