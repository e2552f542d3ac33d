import {
  httpCall,
  install,
  type PayingFetch,
  type PayingInit,
  payingFetch,
  type Restore,
} from '../fetch/index.js'
import { type FetchInput, registerHandler } from '../http/index.js'
import {
  type Budget,
  type ClockConfirmation,
  type Payment,
  type PaymentId,
  type PaymentQuery,
  type PinnedPayee,
  type PinQuery,
  paymentQuery,
  pinQuery,
} from '../ledger/index.js'
import type { Listener, Outcome, PurserEvent, Quoted, Recovery } from '../pay/index.js'
import type { Grant } from '../policy/index.js'
import { lazy } from '../util/lazy.js'
import { type Binding, Core, loadEngine } from './core.js'
import type { DelegateOptions, Delegation } from './delegate.js'
import type { Discovered, DiscoverOptions } from './discover.js'
import { handlerFor } from './handler.js'
import { clockConfirmation, newBinding, quoteOptions, recoverOptions, runOptions } from './names.js'
import { type DefaultLedger, type PurserOptions, readOptions } from './options.js'
import type { Resolution } from './resolve.js'
import type { RestoreStatement } from './restore.js'
import type { Sessions } from './session.js'
import type { StoredReceipt } from './stored-receipt.js'
import { readTask } from './tasks.js'

/** A purser: a `fetch` that pays inside a policy, and everything around it. Made by {@link createPurser}. */
export class Purser {
  /** For this module alone: users are not shown what a purser is made of. React Native reads no `static {}`. */
  private static readonly make = (core: Core, binding: Binding): Purser => new Purser(core, binding)

  readonly #core: Core
  readonly #binding: Binding
  /**
   * The paying fetch: same arguments, same semantics, same errors where no payment is involved. `init.payment`
   * carries per-call options, which can only tighten.
   *
   * @throws PaymentError when a payment may have cost money and has no reply; with `onRefusal: 'throw'` also
   * PaymentRefusedError.
   */
  readonly fetch: PayingFetch
  /** Open and closed sessions: what is locked up where, topping up, and getting it back. */
  readonly sessions: Sessions

  private constructor(core: Core, binding: Binding) {
    this.#core = core
    this.#binding = binding
    const handler = handlerFor(core, binding)
    registerHandler(this, handler)
    const { settings } = core
    this.sessions = lazySessions(
      lazy(async () => {
        const { LedgerSessions } = await loadEngine()
        return new LedgerSessions(core, handler, () => core.context(binding))
      }),
    )
    this.fetch = payingFetch(handler, settings.http)
  }

  /**
   * Replaces `fetch` on the target (default `globalThis`), so that every call in this process may pay.
   *
   * @returns What undoes it: callable, and disposable with `using`.
   * @throws TypeError if this purser is already installed there, or the property cannot be replaced.
   * @example
   * ```ts
   * const restore = purser.install()
   * await fetch('https://api.search.example/v1/search?q=tea')
   * restore()
   * ```
   */
  install(target: object = globalThis): Restore {
    return install(target, this.fetch)
  }

  /**
   * A purser that charges to this task (inside the one this purser is bound to) or names the tool that calls. It
   * shares wallets, ledger and policy, and cannot leave its task.
   *
   * @throws TypeError for a name that is no option, or a task or tool that is no name.
   */
  with(binding: { readonly task?: string; readonly tool?: string }): Purser {
    const { task, tool = this.#binding.tool } = newBinding(binding)
    const tasks = task === undefined ? [] : [readTask(task)]
    return Purser.make(this.#core, {
      tasks: [...this.#binding.tasks, ...tasks],
      ...(tool === undefined ? {} : { tool }),
    })
  }

  /**
   * Runs `work` with every call inside it charged to that task, through `AsyncLocalStorage`: for code that calls the
   * global `fetch`. Not in browsers.
   */
  run<T>(options: { readonly task: string }, work: () => T): T {
    return this.#core.tasks.run([readTask(runOptions(options).task)], work)
  }

  /**
   * What would this call cost, and what would policy say? Sends the request unpaid and returns its reply; signs
   * nothing. An unsafe method is only sent with `{ send: true }`, since a free one has then been made.
   *
   * @throws TypeError for an unsafe method without `{ send: true }`.
   * @example
   * ```ts
   * const { offers } = await purser.quote('https://api.search.example/v1/search?q=tea')
   * for (const { terms, decision } of offers) console.log(formatAmount(terms.most), decision.effect)
   * ```
   */
  quote(
    input: FetchInput,
    init?: PayingInit,
    options: { readonly send?: boolean } = {},
  ): Promise<Quoted<Response>> {
    const handler = handlerFor(this.#core, this.#binding)
    const { exchange, options: call } = httpCall(handler, input, init, this.#core.settings.http)
    const { method } = exchange.resource
    if (quoteOptions(options).send !== true && method !== 'GET' && method !== 'HEAD')
      throw new TypeError(
        `quote() would make a real ${method} request: pass { send: true } if that is wanted`,
      )
    return this.#core.quote(exchange, this.#binding, call)
  }

  /**
   * What an origin advertises that it sells, for how much, who here could pay it, and what policy would say: read from
   * its `/openapi.json` or its catalogue of x402 offers. Advice only: nothing needs it, and the 402 decides. What it
   * finds is what the rule `aboveAdvertised` compares with.
   *
   * @throws TypeError for what is no https origin.
   * @example
   * ```ts
   * const { operations } = await purser.discover('https://api.search.example')
   * for (const { method, path, offers } of operations)
   *   for (const { price, decision } of offers) console.log(method, path, price && formatAmount(price), decision?.effect)
   * ```
   */
  async discover(origin: string | URL, options: DiscoverOptions = {}): Promise<Discovered> {
    const { discover } = await loadEngine()
    const context = this.#core.context(this.#binding)
    return discover(await this.#core.open(), this.#core.settings, context, origin, options)
  }

  /**
   * Tells what is behind a reply or an error of this purser: the payment, the refusal, or why a 402 was handed on unpaid.
   *
   * @returns Undefined if no money was involved.
   * @example
   * ```ts
   * const reply = await purser.fetch('https://api.example/v1/search')
   * const outcome = purser.paymentFor(reply)
   * if (outcome?.state === 'not_paid') for (const { message } of outcome.reasons) console.log(message)
   * ```
   */
  paymentFor(reply: object): Outcome | undefined {
    return this.#core.outcomeOf(reply)
  }

  /** Every budget: limit, spent, held, remaining, when it resets. Deposits of sessions stand beside them (`lock`). */
  async budgets(): Promise<readonly Budget[]> {
    const context = this.#core.context(this.#binding)
    const { budgetsOf } = await loadEngine()
    return budgetsOf(this.#core.settings.policy, await this.#core.ledger(), context)
  }

  /** The ledger's payments and refusals, newest first. */
  async *payments(query: PaymentQuery = {}): AsyncGenerator<Payment> {
    const own = paymentQuery(query)
    const ledger = await this.#core.ledger()
    yield* ledger.find(own)
  }

  /** Every receipt of the payments that match. */
  async *receipts(query: PaymentQuery = {}): AsyncGenerator<StoredReceipt> {
    for await (const { id, context, resource, receipts } of this.payments(query))
      for (const receipt of receipts)
        yield {
          payment: id,
          agent: context.agent,
          tasks: context.tasks,
          vendor: resource.vendor,
          operation: resource.operation,
          receipt,
        }
  }

  /**
   * Settles what is in doubt and due, and reads fees that are due. A few payments at a time, and all of them before it
   * ends. Purser also does this by itself: when the ledger is opened, when evidence or a fee falls due, and for a counter
   * that is full.
   *
   * @param options `reconcile`: looks at every doubt and every unread fee, due or not. False unless given.
   */
  async recover(options: { readonly reconcile?: boolean } = {}): Promise<Recovery> {
    const { reconcile = false } = recoverOptions(options)
    return (await this.#core.open()).requestRecovery(reconcile ? 'all' : 'due')
  }

  /** The kill switch: from now on no payment on this ledger is held or committed, in any process. */
  async freeze(why: string): Promise<void> {
    await (await this.#core.ledger()).freeze(why)
  }

  async unfreeze(): Promise<void> {
    await (await this.#core.ledger()).unfreeze()
  }

  /**
   * A person closes a doubt that nothing can ever prove.
   *
   * @throws TypeError if the ledger has no such payment; PaymentError if it is not in doubt.
   */
  async resolve(id: PaymentId, resolution: Resolution): Promise<Payment> {
    const { closeByHand } = await loadEngine()
    const { env } = await this.#core.open()
    return closeByHand(id, resolution, env)
  }

  /** Remembered approvals that still stand. */
  async grants(): Promise<readonly Grant[]> {
    return (await this.#core.ledger()).grants()
  }

  /** Takes a remembered approval back. False if there was none with this id. */
  async revoke(grantId: string): Promise<boolean> {
    return (await this.#core.ledger()).revoke(grantId)
  }

  /**
   * Lists the payees that vendors are held to, by vendor and rail: those of delivered payments, and of payments under way.
   *
   * @param query - Narrows the list to one vendor, rail or payee.
   * @example
   * ```ts
   * for (const { vendor, rail, payee } of await purser.pins()) console.log(vendor, rail, payee)
   * ```
   */
  async pins(query: PinQuery = {}): Promise<readonly PinnedPayee[]> {
    const own = pinQuery(query)
    return (await this.#core.ledger()).pins(own)
  }

  /**
   * Forgets the pinned payees of a vendor, because it is known to have changed them. The next payment that is settled
   * and delivered pins its payees anew; a payment that is under way now may be that one.
   *
   * @param query - The vendor as `pins()` shows it, and its rail or payee if only those are meant.
   * @returns How many payees were pinned there.
   * @throws TypeError if no vendor is named.
   * @example
   * ```ts
   * await purser.unpin({ vendor: 'https://api.search.example' })
   * ```
   */
  async unpin(query: PinQuery & { readonly vendor: string }): Promise<number> {
    if (typeof query?.vendor !== 'string' || query.vendor === '')
      throw new TypeError("unpin() needs a vendor, for example { vendor: 'https://api.search.example' }")
    const own = pinQuery(query)
    return (await this.#core.ledger()).unpin(own)
  }

  /**
   * A person's word that the wall clock is right, after `clock_jumped` stopped payments. With `{ to: 'wall' }` the
   * ledger's time goes back to it: for a ledger that was once used while the clock was ahead. Payments that were written
   * then count as of now, in every budget. This reads all payments once.
   *
   * @throws TypeError for another `to`.
   */
  async confirmClock(confirmation: ClockConfirmation = {}): Promise<void> {
    const own = clockConfirmation(confirmation)
    const { env, lease } = await this.#core.open()
    await env.ledger.confirmClock(own)
    lease.timeMoved()
  }

  /**
   * A person says what was spent while the ledger was not there to see it: after a restore, or after its log was lost
   * (`ledger_incomplete`). First looks at every open payment of the ledger, then lets payments go on. Remembered
   * approvals are dropped, because one may have been revoked meanwhile. What is unknown can be said by a later call.
   *
   * @returns What became of the open payments.
   * @throws TypeError if the statement cannot be read, or nothing was forgotten.
   * @example
   * ```ts
   * await purser.confirmRestore({ by: 'ann', spent: '3.20 USD', payments: 12, deposits: '0' })
   * ```
   */
  async confirmRestore(statement: RestoreStatement): Promise<Recovery> {
    const { confirmGap, readStatement } = await loadEngine()
    const { policy } = this.#core.settings
    readStatement(statement, policy)
    const recovery = await (await this.#core.open()).requestRecovery('all')
    await confirmGap(await this.#core.ledger(), policy, statement)
    return recovery
  }

  /** Opens the ledger now, and so finds out early whether it can be. The first payment does it otherwise. */
  async ready(): Promise<void> {
    await this.#core.open()
  }

  /**
   * Turns the policy into the limits of an access key, which a chain holds whatever code the key runs in, and says of
   * every rule who holds it. For the owner of the account: nothing is signed before `authorize()` is called.
   *
   * @throws TypeError for what no chain can hold; PaymentError where the chain stands against it.
   * @example
   * ```ts
   * const delegation = await purser.delegate({
   *   keys: tempoKeys({ account }),
   *   key: '0x15d34aaf54267db7d7c367839aaf71a00a2c6a65',
   *   expires: new Date('2027-01-01'),
   *   tokens: [CURRENCIES.USDCe],
   * })
   * for (const { rule, holder, message } of delegation.rules) console.log(rule, holder, message)
   * await delegation.authorize()
   * ```
   */
  async delegate(options: DelegateOptions): Promise<Delegation> {
    const { delegate } = await loadEngine()
    return delegate(this.#core.settings, options)
  }

  /** Listens. A listener observes: it can never veto, delay or supply a credential. */
  on<E extends PurserEvent>(event: E, listener: Listener<E>): () => void {
    return this.#core.events.on(event, listener)
  }

  /**
   * Ends this purser and all that were made from it by `with()`: nothing is paid any more. The ledger is closed too, unless
   * it was handed in as an object and other pursers that are not closed use it.
   */
  close(): Promise<void> {
    return this.#core.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** A purser, with what decides about its ledger if no option does. */
export function newPurser(options: PurserOptions, unnamed: DefaultLedger): Purser {
  return Purser['make'](new Core(readOptions(options, unnamed)), { tasks: [] })
}

/** Returns the sessions of a purser. Each method first loads their implementation. */
function lazySessions(load: () => Promise<Sessions>): Sessions {
  return {
    list: async (query) => (await load()).list(query),
    inspect: async (id) => (await load()).inspect(id),
    recall: async (url) => (await load()).recall(url),
    topUp: async (id, more) => (await load()).topUp(id, more),
    close: async (id) => (await load()).close(id),
    forceClose: async (id) => (await load()).forceClose(id),
  }
}
