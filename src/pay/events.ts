import { clean, type ErrorCode, type Reason } from '../errors/index.js'
import type { Payment } from '../ledger/index.js'
import type { Decision, Terms } from '../policy/index.js'
import type { Receipt, Resource } from '../protocol/index.js'
import type { Budget } from './authorize/budget.js'
import { redactedError } from './redacted-error.js'

/** What a purser tells its listeners. They observe; they can never veto, delay or supply a credential. */
export interface PurserEvents {
  /** A 402 came, with offers that the wallets can pay. */
  readonly offer: { readonly resource: Resource; readonly terms: readonly Terms[] }
  /** Policy judged an offer, for a payment of this call's own: once per payment, before anybody is asked. */
  readonly decision: {
    readonly payment: string
    readonly resource: Resource
    readonly terms: Terms
    readonly effect: Decision['effect']
    readonly reasons: readonly Reason[]
  }
  /** A person was asked. `by` is absent when nobody answered. */
  readonly approval: { readonly payment: string; readonly approved: boolean; readonly by?: string }
  /**
   * The ledger recorded that a payment was held, committed, settled, released or denied. The last event of a payment has
   * the state that the ledger has.
   */
  readonly payment: { readonly payment: Payment }
  readonly receipt: { readonly payment: string; readonly receipt: Receipt }
  readonly refusal: {
    readonly resource: Resource
    readonly code: ErrorCode
    readonly reasons: readonly Reason[]
    readonly payment?: string
  }
  /** A 402 was handed on unpaid although policy refused nothing: the vendor is not listed, no wallet pays its offers, … */
  readonly not_paid: { readonly reasons: readonly Reason[]; readonly resource?: Resource }
  /** A payment brought a budget to one of the shares in `budgetAlerts`: once for each window and share. */
  readonly budget: { readonly share: number; readonly budget: Budget }
  /** Something that an honest server, chain or clock does not do. */
  readonly anomaly: {
    readonly kind: AnomalyKind
    /** Absent: it belongs to no single payment. */
    readonly payment?: string
    readonly message: string
  }
  /** Work in the background failed, such as a recovery. Nothing was paid because of it. */
  readonly error: {
    /** Fit to be logged: a `PaymentError` as it is, anybody else's error by its kind and code alone. */
    readonly error: unknown
    readonly during: string
    /** What was thrown, as it was. It may quote keys, credentials and addresses: for a debugger, and for no log. */
    thrown(): unknown
  }
}

/** What the story says of an event; what listeners hear of an error is made of that. */
type Said<E extends PurserEvent> = Omit<PurserEvents[E], 'thrown'>

/**
 * What an honest server, chain or clock does not do.
 *
 * - `receipt_missing`: paid for, and answered without a receipt.
 * - `receipt_mismatch`: the receipt speaks of another payment, or of a failure.
 * - `receipt_untrue`: the receipt was for money that is proven not to have moved.
 * - `settled_without_delivery`: the money moved, and what was bought did not come.
 * - `settled_after_release`: a credential that was held for dead was cashed.
 * - `redirected_after_payment`: the paid request was sent elsewhere; nothing was followed.
 * - `payment_rejected`: a server did not take a credential; what it said is in the payment's `rejection`.
 * - `stream_stalled`: a stream asked for more again, and had sent nothing for what it got; it was not paid on.
 * - `stream_not_paid_on`: a stream asked for more, and policy or a failure kept it from getting it.
 * - `session_forgotten`: a vendor says that it does not know a session. Nothing more is signed on it, and Purser fetches
 *   its deposit back.
 * - `node_of_another_chain`: a node in `rpc` of a wallet is of another chain. Nothing that it says is believed.
 * - `node_unusable`: a node in `rpc` of a wallet does not say which chain it is of: it is down, or no node at all.
 * - `payee_changed`: a vendor asks for money to a payee other than the pinned ones. Nothing was paid for it yet.
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
  | 'node_of_another_chain'
  | 'node_unusable'

/** The name of an event, for {@link PurserEvents}. */
export type PurserEvent = keyof PurserEvents

/** The names of all events. */
const NAMES: Readonly<Record<PurserEvent, true>> = {
  offer: true,
  decision: true,
  approval: true,
  payment: true,
  receipt: true,
  refusal: true,
  not_paid: true,
  budget: true,
  anomaly: true,
  error: true,
}

/** Hears one kind of event, after the fact. What it throws or rejects is an `error` event; its answer is not used. */
export type Listener<E extends PurserEvent> = (event: PurserEvents[E]) => unknown

/** Where the story says what happens. */
export interface Emitter {
  emit<E extends PurserEvent>(name: E, event: Said<E>): void
  /** Is anybody listening? Saves making an event for nobody. */
  heard(name: PurserEvent): boolean
}

/** Sees events after the listeners, wherever somebody subscribed to them: a diagnostics channel. */
export interface Tap {
  hears(name: PurserEvent): boolean
  tell(name: PurserEvent, event: unknown): void
}

type Listeners = { [E in PurserEvent]?: Set<Listener<E>> }

/** Listeners by name. What one throws or rejects is told as an `error`: an observer's fault is never a payment's. */
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
    // Its own wrapper, so that the same function may listen twice and leave once.
    const one: Listener<E> = (event) => listener(event)
    all.add(one)
    return () => {
      all.delete(one)
    }
  }

  heard(name: PurserEvent): boolean {
    return (this.#listeners[name]?.size ?? 0) > 0 || this.#tap?.hears(name) === true
  }

  emit<E extends PurserEvent>(name: E, said: Said<E>): void {
    if (!this.heard(name)) return
    const { heard, told } = eventOf(said)
    // Later, not now: a listener that takes its time or throws is not in the way of the money.
    queueMicrotask(() => {
      const failed = (error: unknown) => this.#listenerFailed(name, error)
      for (const listener of this.#of(name))
        observe(() => Reflect.apply(listener, undefined, [heard]), failed)
      observe(() => this.#tap?.tell(name, told), failed)
    })
  }

  /** A listener of `error` that fails has nobody left to tell: telling itself would never end. */
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
 * An event as listeners hear it, and as a channel that anybody may subscribe to is told it. Both can be logged: only
 * listeners can ask for an error as it was.
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

/** Calls a listener. A rejected promise of one must not end the process as an unhandled rejection. */
function observe(listener: () => unknown, failed: (error: unknown) => void): void {
  try {
    Promise.resolve(listener()).catch(failed)
  } catch (error) {
    failed(error)
  }
}
