import { isPaymentError, PaymentError, PaymentRefusedError, type Reason } from '../errors/index.js'
import type { Ledger } from '../ledger/index.js'
import {
  type Call,
  type CallOptions,
  Events,
  type Exchange,
  type Outcome,
  type PurserEvent,
  pay,
  type Quoted,
  quote,
  type Recovery,
  type Tap,
} from '../pay/index.js'
import type { Context } from '../policy/index.js'
import type { Challenge, Resource } from '../protocol/index.js'
import { lazy } from '../util/lazy.js'
import { own } from '../util/objects.js'
import type { ActiveCall } from './begin.js'
import type { Opened } from './open.js'
import { readMaxAmount, type Settings } from './options.js'
import { builtin } from './runtime.js'
import { leaveLedger, useLedger } from './shared-ledgers.js'
import { readTask, type TaskStore, taskStore } from './tasks.js'

/** What a purser is bound to: its agent, and the task and tool that `with` added. */
export interface Binding {
  readonly tasks: readonly string[]
  readonly tool?: string
}

/** Loaded when money is first talked about. */
const opener = lazy(() => import('./open.js'))
const beginning = lazy(() => import('./begin.js'))

/**
 * What all pursers of one set-up share: settings, ledger, events, and what is behind the replies they gave out.
 * Opens the ledger when money is first talked about, not before.
 */
export class Core {
  readonly settings: Settings
  readonly events: Events
  readonly tasks: TaskStore = taskStore()
  readonly #outcomes = new WeakMap<object, Outcome>()
  #opening: Promise<Opened> | undefined
  #closed = false

  constructor(settings: Settings) {
    this.settings = settings
    if (settings.sharedLedger !== undefined) useLedger(settings.sharedLedger)
    this.events = new Events(diagnosticsTap())
    const { doubtful } = settings
    // After whoever made this purser has had time to listen.
    if (doubtful !== undefined)
      queueMicrotask(() => this.events.emit('error', { error: doubtful, during: 'start' }))
  }

  context(binding: Binding, options: CallOptions = {}): Context {
    const { agent, policy } = this.settings
    const tool = options.tool ?? binding.tool
    const task = options.task === undefined ? [] : [readTask(options.task)]
    return own({
      agent,
      tasks: [...binding.tasks, ...this.tasks.current(), ...task],
      ...(tool === undefined ? {} : { tool }),
      ...(options.maxAmount === undefined
        ? {}
        : { maxAmount: readMaxAmount(options.maxAmount, policy.symbol) }),
    })
  }

  /** Runs one call through the story of a payment, and makes a refusal what the caller wants it to be. */
  async run<Reply extends object>(
    exchange: Exchange<Reply>,
    binding: Binding,
    options: CallOptions & { readonly signal?: AbortSignal },
  ): Promise<Reply> {
    const call = this.#callOf(exchange, binding, options)
    let outcome: Outcome | undefined
    let begun: ActiveCall | undefined
    try {
      const begin = async (): Promise<ActiveCall> => {
        const { beginCall: begin } = await beginning()
        begun = await begin(() => this.open(), exchange.resource, call, this.settings.tracer)
        return begun
      }
      const reply = await pay(exchange, call, begin, {
        standing: this.#standing(exchange.resource),
        notPaid: (reply, reasons) => this.notPaid(reply, reasons, exchange.resource),
      })
      outcome = this.outcomeOf(reply)
      begun?.span?.end(outcome, undefined)
      return reply
    } catch (error) {
      outcome = isPaymentError(error) ? await this.#ended(error, exchange.resource) : undefined
      begun?.span?.end(outcome, isPaymentError(error) ? error.code : 'failed')
      if (!(error instanceof PaymentRefusedError)) throw error
      if (this.settings.onRefusal === 'throw') throw error
      const { problemOf } = await beginning()
      const reply = await exchange.refuse(problemOf(error))
      if (outcome !== undefined) this.#outcomes.set(reply, outcome)
      return reply
    } finally {
      begun?.leave()
    }
  }

  quote<Reply extends object>(
    exchange: Exchange<Reply>,
    binding: Binding,
    options: CallOptions & { readonly signal?: AbortSignal },
  ): Promise<Quoted<Reply>> {
    const call = this.#callOf(exchange, binding, options)
    return quote(exchange, call, async () => (await this.open()).env)
  }

  /** Notes why a 402 is handed on unpaid: for `paymentFor`, and for listeners. */
  notPaid(reply: object, reasons: readonly Reason[], resource: Resource | undefined): void {
    const why = { reasons, ...(resource === undefined ? {} : { resource }) }
    this.#outcomes.set(reply, Object.freeze({ state: 'not_paid', ...why }))
    this.events.emit('not_paid', why)
  }

  outcomeOf(target: object): Outcome | undefined {
    return this.#outcomes.get(target)
  }

  async recover(which: 'due' | 'all'): Promise<Recovery> {
    return (await this.open()).recover(which)
  }

  async ledger(): Promise<Ledger> {
    return (await this.open()).ledger
  }

  /** The ledger, opened once. A failure is told to whoever needed it, and tried again by the next. */
  open(): Promise<Opened> {
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
  }

  async #open(): Promise<Opened> {
    const { openPurser } = await opener()
    return openPurser(this.settings, {
      emitter: this.events,
      attach: (target, outcome) => void this.#outcomes.set(target, outcome),
    })
  }

  async #ended(error: PaymentError, resource: Resource): Promise<Outcome | undefined> {
    const { outcomeBehind } = await beginning()
    const outcome = await outcomeBehind(error, resource, {
      known: this.outcomeOf(error),
      emitter: this.events,
      ledger: () => this.ledger(),
    })
    if (outcome !== undefined) this.#outcomes.set(error, outcome)
    return outcome
  }

  /** What an open session would answer this call with, unasked. */
  #standing(resource: Resource): Challenge | undefined {
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

/** Every event on `diagnostics_channel` as `purser:<event>`, where the runtime has it and somebody subscribed. */
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
