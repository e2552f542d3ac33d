import { isPaymentError, PaymentError, type Reason } from '../errors/index.js'
import { pristine } from '../fetch/index.js'
import type { Ledger } from '../ledger/index.js'
import {
  type Call,
  type CallOptions,
  Events,
  type Exchange,
  type Outcome,
  type PurserEvent,
  type Quoted,
  sendUnpaid,
  type Tap,
} from '../pay/index.js'
import type { Context } from '../policy/index.js'
import type { Challenge, Resource } from '../protocol/index.js'
import { lazy } from '../util/lazy.js'
import { own } from '../util/objects.js'
import type { NotifierContext } from './notifier.js'
import type { OpenPurser } from './open.js'
import { readMaxAmount, type Settings } from './options.js'
import type { CallServices } from './paid-call.js'
import { builtin } from './runtime.js'
import { leaveLedger, useLedger } from './shared-ledgers.js'
import { readTask, type TaskStore, taskStore } from './tasks.js'

/** The tasks and the tool that `with` added to a purser. */
export interface Binding {
  readonly tasks: readonly string[]
  readonly tool?: string
}

/** Loads the engine, once for all pursers of this process. */
export const loadEngine = lazy(() => import('./engine.js'))

/**
 * The parts that a purser shares with those made from it by `with()`: settings, ledger, events, and the outcomes of their
 * replies. It opens the ledger when the ledger is first needed.
 */
export class Core implements CallServices {
  readonly settings: Settings
  readonly events: Events
  readonly tasks: TaskStore = taskStore()
  readonly #outcomes = new WeakMap<object, Outcome>()
  #opening: Promise<OpenPurser> | undefined
  #closed = false
  readonly #endNotify: (() => Promise<void>) | undefined

  constructor(settings: Settings) {
    this.settings = settings
    if (settings.sharedLedger !== undefined) useLedger(settings.sharedLedger)
    this.events = new Events(diagnosticsTap())
    this.#endNotify = settings.notify?.start(this.#notifierContext())
    const { policyWarning } = settings
    // After the creator of this purser had time to add a listener.
    if (policyWarning !== undefined)
      queueMicrotask(() => this.events.emit('error', { error: policyWarning, during: 'start' }))
  }

  context(binding: Binding, options: CallOptions = {}, tasks = this.tasks.current()): Context {
    const { agent, policy } = this.settings
    const tool = options.tool ?? binding.tool
    const task = options.task === undefined ? [] : [readTask(options.task)]
    return own({
      agent,
      tasks: [...binding.tasks, ...tasks, ...task],
      ...(tool === undefined ? {} : { tool }),
      ...(options.maxAmount === undefined
        ? {}
        : { maxAmount: readMaxAmount(options.maxAmount, policy.symbol) }),
    })
  }

  /** Runs one call through the payment flow. A call that the server does not charge for ends here, without the engine. */
  async run<Reply extends object>(
    exchange: Exchange<Reply>,
    binding: Binding,
    options: CallOptions & { readonly signal?: AbortSignal },
  ): Promise<Reply> {
    const call = this.#callOf(exchange, binding, options)
    const remembered = this.rememberedChallenge(exchange.resource)
    const unpaid = remembered === undefined ? sendUnpaid(exchange, call) : undefined
    if (unpaid !== undefined && (await isFree(exchange, unpaid))) return unpaid
    const { runPaidCall } = await loadEngine()
    return runPaidCall(exchange, call, { remembered, unpaid }, this)
  }

  quote<Reply extends object>(
    exchange: Exchange<Reply>,
    binding: Binding,
    options: CallOptions & { readonly signal?: AbortSignal },
  ): Promise<Quoted<Reply>> {
    const call = this.#callOf(exchange, binding, options)
    const environment = async () => (await this.open()).env
    return loadEngine().then(({ quote }) => quote(exchange, call, environment))
  }

  /** Notes why a 402 is returned unpaid, for `paymentFor` and for listeners. */
  notPaid(reply: object, reasons: readonly Reason[], resource: Resource | undefined): void {
    const why = { reasons, ...(resource === undefined ? {} : { resource }) }
    this.#outcomes.set(reply, Object.freeze({ state: 'not_paid', ...why }))
    this.events.emit('not_paid', why)
  }

  outcomeOf(target: object): Outcome | undefined {
    return this.#outcomes.get(target)
  }

  readonly attachOutcome = (target: object, outcome: Outcome): void => {
    this.#outcomes.set(target, outcome)
  }

  /** Makes the outcome behind one object known for another one. */
  shareOutcome(from: object, to: object): void {
    const outcome = this.#outcomes.get(from)
    if (outcome !== undefined) this.#outcomes.set(to, outcome)
  }

  async ledger(): Promise<Ledger> {
    return (await this.open()).env.ledger
  }

  /** Opens the ledger once. If that fails, each waiting caller gets the error, and the next call tries again. */
  open(): Promise<OpenPurser> {
    if (this.#closed) return Promise.reject(new PaymentError('closed', 'untouched', 'This purser is closed'))
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const opened = await this.#opening?.catch(() => undefined)
    if (opened !== undefined) await opened.close()
    else if (this.settings.sharedLedger !== undefined) await leaveLedger(this.settings.sharedLedger)
    await this.#endNotify?.()
  }

  #notifierContext(): NotifierContext {
    const { agent, policy, http } = this.settings
    return {
      agent,
      unit: policy.unit,
      symbol: policy.symbol,
      fetch: (input, init) => (http.base ?? pristine(globalThis.fetch))(input, init),
      on: (event, listener) => this.events.on(event, listener),
      answer: async (id, answer) => {
        const { answerApproval } = await loadEngine()
        return answerApproval(id, answer, this.settings, await this.ledger())
      },
      failed: (error, during) => this.events.emit('error', { error, during }),
    }
  }

  async #open(): Promise<OpenPurser> {
    const { openPurser } = await loadEngine()
    return openPurser(this)
  }

  /** A challenge that an open session can answer, so that the first request carries the payment already. */
  rememberedChallenge(resource: Resource): Challenge | undefined {
    const { wallets, clock } = this.settings
    for (const wallet of wallets) {
      const offer = wallet.rememberedChallenge?.(resource, clock.now())
      if (offer !== undefined) return offer
    }
    return undefined
  }

  #callOf<Reply>(
    exchange: Exchange<Reply>,
    binding: Binding,
    options: CallOptions & { readonly signal?: AbortSignal },
  ): Call {
    const { idempotencyKey, signal } = options
    if (idempotencyKey !== undefined && exchange.key !== undefined && idempotencyKey !== exchange.key)
      throw new TypeError('The call has two different idempotency keys: one as an option, one as a header')
    const key = idempotencyKey ?? exchange.key
    return own({
      context: this.context(binding, options),
      ...(key === undefined ? {} : { key }),
      ...(signal === undefined ? {} : { signal }),
    })
  }
}

/** Whether a reply goes to the caller unchanged. A `PaymentError` is no reply: the engine handles it. */
async function isFree<Reply>(exchange: Exchange<Reply>, unpaid: Promise<Reply>): Promise<boolean> {
  try {
    return !exchange.mayRequirePayment(await unpaid)
  } catch (error) {
    if (!isPaymentError(error)) throw error
    return false
  }
}

/**
 * Publishes every event on `diagnostics_channel` as `purser:<event>`, if the runtime has it and there are
 * subscribers.
 */
function diagnosticsTap(): Tap | undefined {
  const diagnostics = builtin('node:diagnostics_channel')
  if (diagnostics === undefined) return undefined
  const channels = new Map<PurserEvent, ReturnType<typeof diagnostics.channel>>()
  const channelOf = (name: PurserEvent) => {
    const channel = channels.get(name) ?? diagnostics.channel(`purser:${name}`)
    channels.set(name, channel)
    return channel
  }
  return {
    hears: (name) => channelOf(name).hasSubscribers,
    tell: (name, event) => publish(channelOf(name), event),
  }
}

interface DiagnosticsChannel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

/**
 * Publishes an event. Node turns what a subscriber throws into an uncaught exception, which ends the process in the middle of
 * a payment. So Purser calls the subscribers by itself where the runtime shows them.
 *
 * @throws What the first failing subscriber throws, after all of them were called.
 */
function publish(channel: DiagnosticsChannel & { readonly name?: unknown }, event: unknown): void {
  if (!channel.hasSubscribers) return
  const subscribers: unknown = Reflect.get(channel, '_subscribers')
  if (!Array.isArray(subscribers)) {
    channel.publish(event)
    return
  }
  const failures: unknown[] = []
  for (const subscriber of [...subscribers]) {
    try {
      if (typeof subscriber === 'function') Reflect.apply(subscriber, undefined, [event, channel.name])
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}
