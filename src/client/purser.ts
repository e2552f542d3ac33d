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
  approvalQuery,
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
import type { Receipt } from '../protocol/index.js'
import { lazy } from '../util/lazy.js'
import type { PurserApprovals } from './approvals.js'
import { type Binding, Core, loadEngine } from './core.js'
import type { DelegateOptions, Delegation } from './delegate.js'
import type { Discovered, DiscoverOptions } from './discover.js'
import { handlerFor } from './handler.js'
import { clockConfirmation, newBinding, quoteOptions, recoverOptions, runOptions } from './names.js'
import { type DefaultLedger, type PurserOptions, readOptions } from './options.js'
import type { Resolution } from './resolve.js'
import type { RestoreStatement } from './restore.js'
import type { Sessions } from './session.js'
import { readTask } from './tasks.js'

/** A stored receipt and its payment. */
export interface StoredReceipt {
  readonly payment: PaymentId
  readonly agent: string
  readonly tasks: readonly string[]
  readonly vendor: string
  readonly operation: string
  readonly receipt: Receipt
}

/** A `fetch` that pays within a policy, and its management. Made by {@link createPurser}. */
export class Purser {
  /** Only for this module, so that users do not see the parts of a purser. React Native has no `static {}`. */
  private static readonly make = (core: Core, binding: Binding): Purser => new Purser(core, binding)

  readonly #core: Core
  readonly #binding: Binding
  /**
   * The paying fetch. Its arguments, behaviour and errors are those of `fetch` if no payment is involved.
   * `init.payment` has options of one call, which can only make policy stricter.
   *
   * @throws PaymentError if a payment may have cost money and has no reply; with `onRefusal: 'throw'` also
   * PaymentRefusedError.
   */
  readonly fetch: PayingFetch
  /** Lists sessions, increases their deposits, and closes them. */
  readonly sessions: Sessions
  /** Lists the questions to people, and answers them. */
  readonly approvals: PurserApprovals

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
    this.approvals = {
      list: async (query = {}) => {
        const own = approvalQuery(query)
        return (await core.ledger()).approvals(own)
      },
      get: async (id) => (await core.ledger()).approval(id),
      answer: async (id, answer) => {
        const { answerApproval } = await loadEngine()
        return answerApproval(id, answer, core.settings, await core.ledger())
      },
    }
    this.fetch = payingFetch(handler, settings.http)
  }

  /**
   * Replaces `fetch` on the target (default `globalThis`), so that every call in this process may pay.
   *
   * @returns A function that undoes it. It is also disposable with `using`.
   * @throws TypeError if this purser is already installed there, or if the property cannot be replaced.
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
   * Returns a purser that charges to this task (inside the task of this purser) or names the calling tool. It shares
   * wallets, ledger and policy, and cannot leave its task.
   *
   * @throws TypeError for an unknown name, or an invalid task or tool.
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
   * Charges every call inside `work` to that task, by `AsyncLocalStorage`: for code that calls the global `fetch`.
   * Not in browsers.
   */
  run<T>(options: { readonly task: string }, work: () => T): T {
    return this.#core.tasks.run([readTask(runOptions(options).task)], work)
  }

  /**
   * Returns the price of a call and the decision of policy. Sends the request unpaid and returns its reply; signs
   * nothing. An unsafe method is only sent with `{ send: true }`, because a free call has then been made.
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
   * Returns the offers that an origin advertises: their prices, the wallets that could pay, and the decision of
   * policy. They come from its `/openapi.json` or its catalogue of x402 offers. They are only advice, because the 402
   * decides. The rule `aboveAdvertised` compares with them.
   *
   * @throws TypeError for an address that is no https origin.
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
   * Returns the outcome of a reply or an error of this purser: the payment, the refusal, or why a 402 was returned
   * unpaid.
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

  /**
   * Returns every budget: limit, spent, held, remaining, and when it resets. Deposits of sessions are listed
   * separately (`lock`).
   */
  async budgets(): Promise<readonly Budget[]> {
    const context = this.#core.context(this.#binding)
    const { budgetsOf } = await loadEngine()
    return budgetsOf(this.#core.settings.policy, await this.#core.ledger(), context)
  }

  /** Iterates the ledger's payments and refusals, newest first. */
  async *payments(query: PaymentQuery = {}): AsyncGenerator<Payment> {
    const own = paymentQuery(query)
    const ledger = await this.#core.ledger()
    yield* ledger.find(own)
  }

  /** Iterates the receipts of the payments that match. */
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
   * Settles payments in doubt that are due, and reads fees that are due, a few at a time. Purser also does this by
   * itself: when the ledger is opened, when evidence or a fee becomes due, and if a counter is full.
   *
   * @param options - `reconcile` also inspects payments and fees that are not due. @default false
   */
  async recover(options: { readonly reconcile?: boolean } = {}): Promise<Recovery> {
    const { reconcile = false } = recoverOptions(options)
    return (await this.#core.open()).requestRecovery(reconcile ? 'all' : 'due')
  }

  /** Stops all payments: from now on no payment on this ledger is held or committed, in any process. */
  async freeze(why: string): Promise<void> {
    await (await this.#core.ledger()).freeze(why)
    this.#core.events.emit('freeze', { frozen: true, why })
  }

  async unfreeze(): Promise<void> {
    await (await this.#core.ledger()).unfreeze()
    this.#core.events.emit('freeze', { frozen: false })
  }

  /**
   * Closes a payment in doubt by the statement of a person, if nothing can ever prove its end.
   *
   * @throws TypeError if the ledger has no such payment; PaymentError if it is not in doubt.
   */
  async resolve(id: PaymentId, resolution: Resolution): Promise<Payment> {
    const { closeByHand } = await loadEngine()
    const { env } = await this.#core.open()
    return closeByHand(id, resolution, env)
  }

  /** Returns the remembered approvals that are still valid. */
  async grants(): Promise<readonly Grant[]> {
    return (await this.#core.ledger()).grants()
  }

  /** Revokes a remembered approval. Returns false if there is none with this id. */
  async revoke(grantId: string): Promise<boolean> {
    return (await this.#core.ledger()).revoke(grantId)
  }

  /**
   * Lists the pinned payees by vendor and rail: those of delivered payments, and of payments in progress.
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
   * Forgets the pinned payees of a vendor that is known to have changed them. The next payment that is settled and
   * delivered pins its payees again; that may be a payment in progress.
   *
   * @param query - The vendor as `pins()` shows it, and optionally its rail or payee.
   * @returns The number of payees that were pinned there.
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
   * Confirms that the wall clock is right, after `clock_jumped` stopped payments. With `{ to: 'wall' }` the ledger's
   * time returns to it: for a ledger that was once used while the clock was ahead. Payments of that time then count
   * as of now, in every budget. This reads all payments once.
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
   * Stores a person's statement about the payments that the ledger has lost: after a restore, or after the loss of
   * its log (`ledger_incomplete`). Purser first inspects every open payment of the ledger, and then allows payments
   * again. Remembered approvals are dropped, because one may have been revoked meanwhile. A later call can add what
   * is unknown now.
   *
   * @returns What happened to the open payments.
   * @throws TypeError if the statement cannot be read, or if nothing was lost.
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

  /** Opens the ledger now, so that errors appear early. Otherwise the first payment opens it. */
  async ready(): Promise<void> {
    await this.#core.open()
  }

  /**
   * Turns the policy into the limits of an access key, which the chain enforces for any code that uses the key. The
   * result names who enforces each rule. For the owner of the account: nothing is signed before `authorize()` is
   * called.
   *
   * @throws TypeError for a policy or options that no chain can enforce; PaymentError if the state of the chain
   * prevents it.
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

  /** Adds a listener. A listener only observes: it can never veto, delay or supply a credential. */
  on<E extends PurserEvent>(event: E, listener: Listener<E>): () => void {
    return this.#core.events.on(event, listener)
  }

  /**
   * Ends this purser and all pursers that `with()` made from it: nothing is paid any more. The ledger is closed too,
   * unless it was passed as an object and other open pursers use it.
   */
  close(): Promise<void> {
    return this.#core.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Creates a purser. The second argument chooses its ledger if no option names one. */
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
