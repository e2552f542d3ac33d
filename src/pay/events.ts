import { clean, type ErrorCode, type Reason } from '../errors/index.js'
import type { Approval, Budget, Payment } from '../ledger/index.js'
import type { Decision, Terms } from '../policy/index.js'
import type { Receipt, Resource } from '../protocol/index.js'
import { redactedError } from './redacted-error.js'

/** The events of a purser. Listeners observe: they can never veto a payment, delay it or supply a credential. */
export interface PurserEvents {
  /** A server answered 402 with offers that the wallets can pay. */
  readonly offer: { readonly resource: Resource; readonly terms: readonly Terms[] }
  /** Policy judged an offer. Once per payment of a call, before a person is asked. */
  readonly decision: {
    readonly payment: string
    readonly resource: Resource
    readonly terms: Terms
    readonly effect: Decision['effect']
    readonly reasons: readonly Reason[]
  }
  /**
   * A new question waits for a person, in the ledger and at the approver. Once for each question: a call that waits for
   * the question of another call, or that takes its place, emits nothing.
   */
  readonly approval_request: { readonly approval: Approval }
  /**
   * A question to a person ended for a call that needed it. `by` is absent if no person answered. `approval` is the
   * question as it is then. It is absent if nobody could be asked.
   */
  readonly approval: {
    readonly payment: string
    readonly approved: boolean
    readonly by?: string
    readonly approval?: Approval
  }
  /**
   * The ledger recorded that a payment was held, committed, settled, released or denied. The last event of a payment
   * has the state that the ledger has.
   */
  readonly payment: { readonly payment: Payment }
  readonly receipt: { readonly payment: string; readonly receipt: Receipt }
  readonly refusal: {
    readonly resource: Resource
    readonly code: ErrorCode
    readonly reasons: readonly Reason[]
    readonly payment?: string
  }
  /**
   * The caller got a 402 unpaid although policy refused nothing: the vendor is not listed, no wallet pays its offers, …
   */
  readonly not_paid: { readonly reasons: readonly Reason[]; readonly resource?: Resource }
  /** A payment brought a budget to one of the shares in `budgetAlerts`. Once for each window and share. */
  readonly budget: { readonly share: number; readonly budget: Budget }
  /** This purser stopped all payments on its ledger (`freeze`), or allowed them again (`unfreeze`). */
  readonly freeze: { readonly frozen: boolean; readonly why?: string }
  /** A call ended with an error, and it is not known yet whether its payment moved money. It counts as spent. */
  readonly doubt: { readonly payment: Payment; readonly message: string }
  /** An honest server, chain or clock does not do this. */
  readonly anomaly: {
    readonly kind: AnomalyKind
    /** Absent if it belongs to no single payment. */
    readonly payment?: string
    readonly message: string
  }
  /** Work in the background failed, such as a recovery. No payment was made because of it. */
  readonly error: {
    /** Safe to log: a `PaymentError` without its cause, any other error with only its kind and code. */
    readonly error: unknown
    readonly during: string
    /**
     * Returns the original error. It may quote keys, credentials and addresses, so use it in a debugger and not in a
     * log.
     */
    thrown(): unknown
  }
}

/** An event as the payment flow emits it. Listeners get an `error` event without secrets. */
type EventInput<E extends PurserEvent> = Omit<PurserEvents[E], 'thrown'>

/**
 * The kinds of `anomaly` events.
 *
 * - `receipt_missing`: a paid answer came without a receipt.
 * - `receipt_mismatch`: the receipt names another payment, or a failure.
 * - `receipt_untrue`: the receipt was for money that is proven not to have moved.
 * - `settled_without_delivery`: the money moved, and the answer did not come.
 * - `settled_after_release`: a payment that was proven void has settled.
 * - `redirected_after_payment`: the paid request was redirected to an address that Purser does not follow.
 * - `payment_rejected`: a server did not accept a credential. Its reason is in the payment's `rejection`.
 * - `stream_stalled`: a stream asked for more money without having sent content for the last payment. It got none.
 * - `stream_not_paid_on`: a stream asked for more money, and policy or a failure prevented the payment.
 * - `session_forgotten`: a vendor does not know a session any more. Purser signs nothing more on it, and gets its
 *   deposit back.
 * - `node_of_another_chain`: a node in `rpc` of a wallet is on another chain. Purser does not use its answers.
 * - `node_unusable`: a node in `rpc` of a wallet does not tell its chain: it is down, or it is no node.
 * - `payee_changed`: a vendor asks for money to a payee other than the pinned ones. Nothing was paid for it yet.
 * - `approval_not_valid`: the ledger has a yes without the signature that policy needs. Nothing was paid for it.
 */
export type AnomalyKind =
  | 'receipt_missing'
  | 'receipt_mismatch'
  | 'receipt_untrue'
  | 'settled_without_delivery'
  | 'settled_after_release'
  | 'redirected_after_payment'
  | 'payment_rejected'
  | 'stream_stalled'
  | 'stream_not_paid_on'
  | 'session_forgotten'
  | 'payee_changed'
  | 'approval_not_valid'
  | 'node_of_another_chain'
  | 'node_unusable'

/** The name of an event, for {@link PurserEvents}. */
export type PurserEvent = keyof PurserEvents

/** The names of all events. */
const NAMES: Readonly<Record<PurserEvent, true>> = {
  offer: true,
  decision: true,
  approval_request: true,
  approval: true,
  payment: true,
  receipt: true,
  refusal: true,
  not_paid: true,
  budget: true,
  freeze: true,
  doubt: true,
  anomaly: true,
  error: true,
}

/**
 * Gets one kind of event after it happened. If it throws or rejects, that is an `error` event. Its result is not used.
 */
export type Listener<E extends PurserEvent> = (event: PurserEvents[E]) => unknown

/** The sink of the payment flow's events. */
export interface Emitter {
  emit<E extends PurserEvent>(name: E, event: EventInput<E>): void
  /** Whether there is a listener. If not, no event needs to be made. */
  heard(name: PurserEvent): boolean
}

/** Gets events after the listeners, if it has subscribers: a diagnostics channel. */
export interface Tap {
  hears(name: PurserEvent): boolean
  tell(name: PurserEvent, event: unknown): void
}

type Listeners = { [E in PurserEvent]?: Set<Listener<E>> }

/** Listeners by event. If one throws or rejects, that is an `error` event, and never fails a payment. */
export class Events implements Emitter {
  readonly #listeners: Listeners = {}
  readonly #tap: Tap | undefined

  constructor(tap?: Tap) {
    this.#tap = tap
  }

  /** @throws TypeError for a name that no event has, or a listener that is no function. */
  on<E extends PurserEvent>(name: E, listener: Listener<E>): () => void {
    if (!Object.hasOwn(NAMES, name))
      throw new TypeError(
        `No event is called ${clean(String(name), 60)}. Events: ${Object.keys(NAMES).join(', ')}`,
      )
    if (typeof listener !== 'function') throw new TypeError('A listener must be a function')
    const all: Set<Listener<E>> = this.#of(name)
    // Wrapped, so that the same function can be registered twice and removed once.
    const one: Listener<E> = (event) => listener(event)
    all.add(one)
    return () => {
      all.delete(one)
    }
  }

  heard(name: PurserEvent): boolean {
    return (this.#listeners[name]?.size ?? 0) > 0 || this.#tap?.hears(name) === true
  }

  emit<E extends PurserEvent>(name: E, said: EventInput<E>): void {
    if (!this.heard(name)) return
    const { heard, told } = eventOf(said)
    // Deferred, so that a listener that is slow or throws does not delay the payment.
    queueMicrotask(() => {
      const failed = (error: unknown) => this.#listenerFailed(name, error)
      for (const listener of this.#of(name))
        observe(() => Reflect.apply(listener, undefined, [heard]), failed)
      observe(() => this.#tap?.tell(name, told), failed)
    })
  }

  /** A listener of `error` that fails is not reported, because that could go on for ever. */
  #listenerFailed(name: PurserEvent, error: unknown): void {
    if (name !== 'error') this.emit('error', { error, during: `listener of ${name}` })
  }

  #of<E extends PurserEvent>(name: E): Set<Listener<E>> {
    const known: Set<Listener<E>> | undefined = this.#listeners[name]
    if (known !== undefined) return known
    const made = new Set<Listener<E>>()
    const listeners: { [K in E]?: Set<Listener<K>> } = this.#listeners
    listeners[name] = made
    return made
  }
}

/**
 * An event for listeners and for a diagnostics channel. Both can be logged. Only listeners can get the original error.
 */
function eventOf(said: object): { readonly heard: object; readonly told: object } {
  if (!('error' in said)) {
    Object.freeze(said)
    return { heard: said, told: said }
  }
  const { error } = said
  const told = Object.freeze({ ...said, error: redactedError(error) })
  return { heard: Object.freeze({ ...told, thrown: () => error }), told }
}

/** Calls a listener. Its rejected promise must not end the process as an unhandled rejection. */
function observe(listener: () => unknown, failed: (error: unknown) => void): void {
  try {
    Promise.resolve(listener()).catch(failed)
  } catch (error) {
    failed(error)
  }
}
