import { isPaymentError, PaymentError, type Reason } from '../../errors/index.js'
import type { HoldResult, LaneGrant, Move, PaymentId, Room } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import { noWorse, shortfalls } from '../../policy/index.js'
import { own } from '../../util/objects.js'
import { untilAborted } from '../../util/until-aborted.js'
import { mintAuthorization } from '../../wallet/authorization.js'
import type { Prepared, Quote, Unpayable } from '../../wallet/index.js'
import {
  type AuthorizeResult,
  constraintsOf,
  dependsOnOtherPayment,
  holdOf,
  type Purchase,
  waitForLane,
} from '../purchase.js'
import { abandonUnsent } from '../recovery/inspection.js'
import { blockedBy, causeFor, frozen, reasonOf, refused, sentence } from '../refusal.js'
import { deny, hold, transition, tryTransition } from '../transition.js'
import { isCovered } from './approve.js'
import { type Approved, askPerson } from './ask.js'
import {
  type Candidate,
  checkPrepared,
  evaluateQuotes,
  type OfferEvaluation,
  payeeChangeIn,
  type QuoteSource,
  type Quotes,
  quoteAll,
  reasonsOf,
} from './candidates.js'

type Step =
  | Exclude<AuthorizeResult, { kind: 'wait' }>
  /** This offer cannot be paid: try the next one. */
  | { readonly kind: 'next' }
  /** Something that the quotes depend on has changed: ask for quotes again. */
  | { readonly kind: 'stale' }
  /** Only the decision is too old: judge the same quotes again. */
  | { readonly kind: 'judge' }
  /** Another payment runs on the lane: wait. */
  | { readonly kind: 'lane' }
  /** The call waited for a question about the same request: judge again, without losing a turn. */
  | { readonly kind: 'asked' }

/**
 * How often other payments may change the facts before a payment gives up. Each turn means that another payment went
 * on.
 */
const TURNS = 24
const LANE_PAUSE_MS = 50
const LEASE_OF_AUTHORIZATION_MS = 60_000
/** How long a call that budgets refuse waits, in all, for room in them. */
const BUDGET_PATIENCE_MS = 1_000

/**
 * Turns offers into a credential that may leave: judges, ranks, holds, asks for an approval, signs and commits. Nothing
 * here can cost money: if an offer fails, the next one is tried, and the held budget is given back.
 *
 * A caller who aborts gets an answer at once. Work that ends later is given back or discarded. If it was committed by
 * then, it stays in doubt and counts.
 *
 * @throws PaymentRefusedError if no offer is allowed, approved and payable; the reason of an abort.
 */
export function authorize(purchase: Purchase): Promise<AuthorizeResult> {
  const authorizer = new Authorizer(purchase)
  const { signal } = purchase.call
  return untilAborted(authorizer.run(), signal, {
    reason: () => authorizer.callerLeft(signal?.reason),
    onLate: (result) => result.kind === 'authorized' && void abandonUnsent(result.authorized, purchase.env),
  })
}

/** The state of one authorization: the id that holds budget, and why offers could not be paid. */
class Authorizer {
  readonly #purchase: Purchase
  #id: PaymentId
  #holding = false
  #committing = false
  readonly #reasons: Reason[] = []
  #failure: PaymentError | undefined
  #retryAt: Instant | undefined
  #approved: Approved | undefined
  #source: QuoteSource
  /** The quotes of the wallets, while they are valid. */
  #quotes: Quotes | undefined
  /** Quotes that could not be used, and why: none is tried twice. */
  readonly #unusable = new Map<Quote, Reason>()
  /** When the wait for room in budgets ends, on the monotonic clock. */
  #budgetPatience: number | undefined
  #decisionEmitted = false
  #payeeChangeEmitted = false

  constructor(purchase: Purchase) {
    // A copy without inherited properties: nothing else may add an `earlier` payment.
    this.#purchase = own(purchase)
    this.#source = this.#purchase
    this.#id = purchase.earlier?.payment ?? purchase.env.newId()
  }

  async run(): Promise<AuthorizeResult> {
    try {
      const result = await this.#authorize()
      if (result.kind !== 'authorized') await this.#release('another payment stands in the way')
      return result
    } catch (error) {
      await this.#release(isPaymentError(error) ? error.code : 'failed')
      throw error
    }
  }

  /** Frees the budget without waiting for work that hangs. A commit that is under way goes on. */
  callerLeft(reason: unknown): unknown {
    if (!this.#committing) void this.#release('the caller hung up')
    return reason
  }

  async #authorize(): Promise<AuthorizeResult> {
    const { call, env } = this.#purchase
    const patience = env.clock.now() + env.patienceMs
    for (let turn = 0; turn < TURNS; turn++) {
      call.signal?.throwIfAborted()
      await env.keepAlive()
      const { ranked, unpayable } = await this.#evaluate()
      call.signal?.throwIfAborted()
      if (turn === 0 && this.#source.kind === 'offers') this.#emitOffers(ranked)
      this.#emitPayeeChange(ranked)
      const good = ranked.filter((candidate) => this.#allowed(candidate))
      const until = unpayable.find(({ earlierExpiresAt }) => earlierExpiresAt !== undefined)?.earlierExpiresAt
      if (good.length === 0 && until !== undefined) return { kind: 'wait', until }
      if (good.length === 0) throw await this.#refuse(reasonsOf({ ranked, unpayable }), ranked[0], unpayable)
      const step = await this.#tryAll(good)
      if (step.kind === 'authorized' || step.kind === 'taken') return step
      if (step.kind === 'next') throw await this.#refuse(this.#reasons, good[0])
      if (step.kind === 'lane') {
        // Waiting for a busy lane is no conflict, so it costs no turn.
        if (env.clock.now() > patience) break
        await env.sleep(LANE_PAUSE_MS, call.signal)
        turn--
      }
      if (step.kind === 'asked') turn--
      if (step.kind !== 'judge') this.#quotes = undefined
      this.#reasons.length = 0
    }
    const busy = { rule: 'busy', message: 'Other payments kept changing what this one rests on.' }
    throw refused([busy], { code: 'busy' })
  }

  /** Judges the offers by the facts of this moment. Wallets are asked again only for quotes that have expired. */
  async #evaluate(): Promise<OfferEvaluation> {
    const constraints = constraintsOf(this.#id, this.#purchase)
    const now = this.#purchase.env.clock.now()
    if (this.#quotes?.quoted.some(({ quote: { goodUntil } }) => goodUntil !== undefined && goodUntil <= now))
      this.#quotes = undefined
    this.#quotes ??= await quoteAll(this.#source, this.#purchase, constraints)
    return evaluateQuotes(this.#quotes, this.#purchase, constraints)
  }

  #emitOffers(ranked: readonly Candidate[]): void {
    const { at: resource, env } = this.#purchase
    if (env.emitter.heard('offer'))
      env.emitter.emit('offer', { resource, terms: ranked.map(({ quote }) => quote.terms) })
  }

  /** A vendor that suddenly names another payee may have been taken over, whatever policy decides about it. */
  #emitPayeeChange(ranked: readonly Candidate[]): void {
    const changed = payeeChangeIn(ranked)
    if (changed === undefined || this.#payeeChangeEmitted) return
    this.#payeeChangeEmitted = true
    const { message } = changed
    this.#purchase.env.emitter.emit('anomaly', { kind: 'payee_changed', payment: this.#id, message })
  }

  /** Emitted once, and only if this call decides: the retry of a paid call decides nothing. */
  #emitDecision({ decision, quote }: Candidate, payment = this.#id): void {
    if (this.#decisionEmitted) return
    this.#decisionEmitted = true
    const { at: resource, env } = this.#purchase
    const { effect, reasons } = decision
    env.emitter.emit('decision', { payment, resource, terms: quote.terms, effect, reasons })
  }

  /** Gives back the held budget, unless the payment has gone further. */
  async #release(reason: string): Promise<void> {
    if (!this.#holding || this.#purchase.earlier !== undefined) return
    this.#holding = false
    const { env } = this.#purchase
    try {
      await transition({ id: this.#id }, { to: 'released', reason }, env)
    } catch (error) {
      // The refusal must still reach the caller. When the lease expires, any process may release the hold.
      env.emitter.emit('error', { error, during: 'release' })
    }
  }

  #allowed({ decision, quote }: Candidate): boolean {
    const { earlier, payingUpfront, need } = this.#purchase
    if (payingUpfront && decision.effect !== 'allow') return false
    if (need?.fits(quote) === false) return false
    return decision.effect !== 'deny' && (earlier === undefined || noWorse(quote.terms, earlier.terms))
  }

  async #tryAll(good: readonly Candidate[]): Promise<Step> {
    let busyLane = false
    for (const candidate of good) {
      const known = this.#unusable.get(candidate.quote)
      if (known !== undefined) this.#reasons.push(known)
      const step: Step = known === undefined ? await this.#try(candidate) : { kind: 'next' }
      if (step.kind === 'lane') busyLane = true
      else if (step.kind !== 'next') return step
    }
    return busyLane ? { kind: 'lane' } : { kind: 'next' }
  }

  async #try(candidate: Candidate): Promise<Step> {
    const purchase = this.#purchase
    try {
      if (purchase.kind === 'offers') await purchase.exchange.check(candidate.quote.challenge, purchase.at)
    } catch (error) {
      return this.#fallThrough(error, candidate)
    }
    if (!this.#mustAsk(candidate)) return this.#pay(candidate)
    const approved = await this.#ask(candidate)
    return isStep(approved) ? approved : this.#pay(approved)
  }

  async #pay(candidate: Candidate): Promise<Step> {
    // After a wait the quotes are made again, because the payments before it have changed the lane.
    if (await waitForLane(candidate, this.#purchase)) return { kind: 'stale' }
    const held = await this.#hold(candidate)
    if (isStep(held)) return held
    this.#emitDecision(candidate)
    return this.#sign(candidate, held.lane)
  }

  async #ask(candidate: Candidate): Promise<Candidate | Step> {
    const onHeld = (): void => {
      this.#holding = true
      this.#emitDecision(candidate)
    }
    const asked = await askPerson({ id: this.#id, candidate, onHeld }, this.#purchase)
    switch (asked.kind) {
      case 'full':
        this.#retryAt = asked.retryAt
        this.#reasons.push(asked.reason)
        return { kind: 'next' }
      case 'not held':
        return this.#notHeld(asked.held, candidate)
      case 'other':
        return { kind: 'asked' }
      case 'approved':
        this.#emitDecision(candidate)
        this.#approved = asked.approved
        // The first challenge may have expired meanwhile, so a later evaluation uses the one that was approved.
        if (this.#purchase.kind === 'offers')
          this.#source = { kind: 'offers', offers: [asked.candidate.quote.challenge] }
        this.#quotes = undefined
        await this.#purchase.env.keepAlive()
        return asked.candidate
    }
  }

  /** A person is asked once. Terms that are no worse than the approved or paid ones need no further approval. */
  #mustAsk(candidate: Candidate): boolean {
    if (candidate.decision.effect !== 'ask' || this.#purchase.earlier !== undefined) return false
    return this.#yesFor(candidate) === undefined
  }

  /** The yes that covers a candidate, if a person has given one. */
  #yesFor(candidate: Candidate): Approved | undefined {
    const approved = this.#approved
    return approved !== undefined && isCovered(candidate, approved.candidate) ? approved : undefined
  }

  async #sign(candidate: Candidate, lane: LaneGrant | undefined): Promise<Step> {
    const { call, env } = this.#purchase
    let prepared: Prepared
    try {
      await env.yieldToEventLoop()
      call.signal?.throwIfAborted()
      const now = env.clock.now()
      const authorization = mintAuthorization({
        payment: this.#id,
        quote: candidate.quote,
        bounds: candidate.bounds,
        ledger: env.ledgerId,
        expires: now + LEASE_OF_AUTHORIZATION_MS,
        ...(lane ? { lane } : {}),
      })
      const options = own({ now, channels: env.ledger, ...(call.signal && { signal: call.signal }) })
      prepared = checkPrepared(await candidate.wallet.prepare(authorization, options), candidate.wallet)
    } catch (error) {
      call.signal?.throwIfAborted()
      return this.#fallThrough(error, candidate)
    }
    return this.#commit(candidate, prepared)
  }

  /** Holds budget in the ledger, in one atomic step. */
  async #hold(candidate: Candidate): Promise<{ lane?: LaneGrant } | Step> {
    const { env, call } = this.#purchase
    const { signal } = call
    signal?.throwIfAborted()
    const yes = this.#yesFor(candidate)
    const request = own({
      ...holdOf(this.#id, candidate, this.#purchase),
      ...(yes === undefined ? {} : { approval: yes.id, approvedBy: yes.by }),
    })
    const held = await hold(request, env)
    if (!held.ok) return this.#notHeld(held, candidate)
    this.#holding = true
    signal?.throwIfAborted()
    return held.lane === undefined ? {} : { lane: held.lane }
  }

  async #notHeld(held: Extract<HoldResult, { ok: false }>, candidate: Candidate): Promise<Step> {
    switch (held.why) {
      case 'short':
        if (await this.#makeRoom(held.short)) return { kind: 'stale' }
        if (this.#usedUp(candidate, held.short)) return { kind: 'stale' }
        this.#reasons.push(...shortfalls(held.short, candidate.decision, this.#purchase.env.policy.symbol))
        return { kind: 'next' }
      case 'taken':
        return { kind: 'taken', by: held.by }
      case 'conflict':
        throw blockedBy('idempotency_conflict', held.by)
      case 'frozen':
        throw frozen(held.reason)
      case 'stale':
        return { kind: dependsOnOtherPayment(candidate) ? 'stale' : 'judge' }
      case 'unapproved':
        // The yes was used by another call, or has lapsed: a person is asked again.
        this.#approved = undefined
        return { kind: 'asked' }
      case 'lane':
        return { kind: 'lane' }
    }
  }

  /** Looks for room that proof may free in the budgets. A call waits one second for that in all. */
  async #makeRoom(short: readonly Pick<Room, 'claim'>[]): Promise<boolean> {
    const { env } = this.#purchase
    this.#budgetPatience ??= env.clock.monotonic() + BUDGET_PATIENCE_MS
    const left = this.#budgetPatience - env.clock.monotonic()
    const claims = short.map(({ claim }) => claim)
    return left > 0 && env.makeRoom(claims, left)
  }

  /** If only the remembered approval is short, it does not cover this payment, and a person is asked again. */
  #usedUp({ decision: { grant } }: Candidate, short: readonly Pick<Room, 'claim'>[]): boolean {
    if (grant === undefined || !short.every(({ claim }) => claim.scope.grant === grant)) return false
    this.#purchase.usedUp.add(grant)
    return true
  }

  /** Commits durably. If that fails, discards the signed credential, so that the offers are judged again. */
  async #commit(candidate: Candidate, prepared: Prepared): Promise<Step> {
    const { call, env } = this.#purchase
    const { challenge, terms } = candidate.quote
    const attempt = { challengeId: challenge.id, terms, evidence: prepared.evidence }
    const yes = this.#yesFor(candidate)
    let committed = false
    try {
      call.signal?.throwIfAborted()
      this.#committing = true
      const move: Move = {
        to: 'committed',
        attempt,
        pin: candidate.decision.payees === 'pin',
        widenPin: this.#approved !== undefined || candidate.decision.grant !== undefined,
        ...(yes === undefined ? {} : { approval: yes.id }),
        ...(prepared.signedTotal === undefined ? {} : { signed: prepared.signedTotal }),
      }
      const moved = await tryTransition(this.#id, move, env)
      committed = moved.ok
      if (!moved.ok) {
        if (moved.payment.state !== 'held') this.#startOver()
        return { kind: 'stale' }
      }
      this.#holding = false
      for (const used of [yes?.id, yes?.nonce]) if (used !== undefined) env.usedApprovals.add(used)
      env.budgetsUsed(candidate.decision.claims)
      const authorized = { payment: this.#id, committed: moved.payment, candidate, prepared, attempt }
      return { kind: 'authorized', authorized }
    } finally {
      this.#committing = false
      if (!committed) await this.#discard(prepared)
    }
  }

  async #discard(prepared: Prepared): Promise<void> {
    try {
      await prepared.discard()
    } catch (error) {
      this.#purchase.env.emitter.emit('error', { error, during: 'discard' })
    }
  }

  /** Another process released the hold after its lease expired: makes a new one, under a new id. */
  #startOver(): void {
    this.#holding = false
    if (this.#purchase.earlier === undefined) this.#id = this.#purchase.env.newId()
  }

  #fallThrough(error: unknown, { quote }: Candidate): Step {
    // A wallet's own error may quote keys and signatures. Only listeners get it.
    if (!isPaymentError(error)) this.#purchase.env.emitter.emit('error', { error, during: 'prepare' })
    const failure = isPaymentError(error)
      ? error
      : new PaymentError('wallet_failed', 'untouched', 'The wallet could not prepare this payment')
    this.#failure = failure
    const reason = reasonOf(failure)
    this.#unusable.set(quote, reason)
    this.#reasons.push(reason)
    return { kind: 'next' }
  }

  /** Records the refusal if there were terms to refuse, and makes its error. */
  async #refuse(
    reasons: readonly Reason[],
    candidate: Candidate | undefined,
    unpayable: readonly Unpayable[] = [],
  ): Promise<PaymentError> {
    const { earlier, payingUpfront } = this.#purchase
    if (payingUpfront) return refused(reasons)
    const code =
      this.#failure?.code ?? (candidate === undefined ? unpayable[0]?.code : undefined) ?? 'refused'
    const failed = this.#failure && { cause: causeFor(this.#failure, this.#purchase) }
    const isNew = !this.#holding && earlier === undefined
    const recorded = candidate && isNew ? await this.#record(reasons, candidate) : undefined
    if (candidate !== undefined) this.#emitDecision(candidate, recorded)
    const paymentId = this.#holding ? this.#id : recorded
    return refused(reasons, { code, retryAt: this.#retryAt, paymentId, ...failed })
  }

  /** Returns the id of the record. If an equal refusal of today is recorded already, this one is counted there. */
  async #record(reasons: readonly Reason[], candidate: Candidate): Promise<PaymentId> {
    const { lane: _, ...request } = holdOf(this.#id, candidate, this.#purchase)
    const decision = { ...request.decision, reasons }
    const why = { reason: sentence(reasons) }
    const { id } = await deny({ ...request, decision }, why, this.#purchase.env)
    return id
  }
}

function isStep(held: object): held is Step {
  return Object.hasOwn(held, 'kind')
}
