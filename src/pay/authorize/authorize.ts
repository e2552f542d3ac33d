import { clean, isPaymentError, PaymentError, type Reason } from '../../errors/index.js'
import type { LaneGrant, Move, PaymentId, Room } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import { noBetter, noWorse, shortfalls } from '../../policy/index.js'
import { own } from '../../util/objects.js'
import { untilAborted } from '../../util/until-aborted.js'
import { mintAuthorization } from '../../wallet/authorization.js'
import type { Prepared, Quote, Unpayable } from '../../wallet/index.js'
import { causeFor } from '../cause.js'
import { abandonUnsent } from '../recovery/unsent.js'
import { reasonOf, refused, sentence, standsInTheWay } from '../refusal.js'
import { deny, hold, transition, tryTransition } from '../transition.js'
import { approve, isCovered, tooManyQuestions, unanswered } from './approve.js'
import { BudgetWait } from './budget-wait.js'
import {
  type Candidate,
  evaluateQuotes,
  type OfferEvaluation,
  type QuoteSource,
  type Quotes,
  quoteAll,
  reasonsOf,
} from './candidates.js'
import { OfferEvents } from './offer-events.js'
import { checkPrepared } from './prepared.js'
import {
  type AuthorizeResult,
  dependsOnOtherPayment,
  holdOf,
  narrowingOf,
  type Purchase,
  waitForLane,
  waitingHold,
} from './purchase.js'

type Step =
  | Exclude<AuthorizeResult, { kind: 'wait' }>
  | { readonly kind: 'next' }
  /** What it rests on has moved: read the offers again. */
  | { readonly kind: 'stale' }
  /** Only the decision is too old: the quotes still hold. */
  | { readonly kind: 'judge' }
  | { readonly kind: 'lane' }
  /** It waited for a question about the same request: judge again, and no turn is lost. */
  | { readonly kind: 'asked' }

/** How often facts may move under a payment before it gives up. Each turn means that somebody else got on. */
const TURNS = 24
const LANE_PAUSE_MS = 50
const LEASE_OF_AUTHORIZATION_MS = 60_000

/**
 * From offers to a credential that may leave. Nothing here can cost money: whatever fails falls through to the next
 * offer, and budget that was set aside is given back.
 *
 * A caller who hangs up is told so at once, whatever hangs: what comes later is given back, thrown away, or, where it
 * was committed by then, left as a doubt that counts.
 *
 * @throws PaymentRefusedError when no offer is allowed, approved and payable; the reason of an abort.
 */
export function authorize(c: Purchase): Promise<AuthorizeResult> {
  const attempt = new Authorizer(c)
  const { signal } = c.call
  return untilAborted(attempt.run(), signal, {
    reason: () => attempt.hungUp(signal?.reason),
    onLate: (agreement) => agreement.kind === 'authorized' && void abandonUnsent(agreement.authorized, c.env),
  })
}

/** The state of one agreement: which id holds budget, and why offers fell through. */
class Authorizer {
  readonly #c: Purchase
  #id: PaymentId
  #holding = false
  #committing = false
  readonly #announcer: OfferEvents
  readonly #reasons: Reason[] = []
  #failure: PaymentError | undefined
  #retryAt: Instant | undefined
  #approved: Candidate | undefined
  #source: QuoteSource
  /** What the wallets quoted, as long as it still holds. */
  #quotes: Quotes | undefined
  /** Quotes that could not be used, and why: none is tried twice. */
  readonly #unusable = new Map<Quote, Reason>()
  readonly #room: BudgetWait

  constructor(c: Purchase) {
    // Whether there is an earlier payment, or nobody has asked yet, is the case's own to say.
    this.#c = own(c)
    this.#announcer = new OfferEvents(c.env.emitter, c.at)
    this.#source = this.#c
    this.#room = new BudgetWait(c.env)
    this.#id = c.earlier?.payment ?? c.env.newId()
  }

  async run(): Promise<AuthorizeResult> {
    try {
      const agreement = await this.#agree()
      if (agreement.kind !== 'authorized') await this.#release('another payment stands in the way')
      return agreement
    } catch (error) {
      await this.#release(isPaymentError(error) ? error.code : 'failed')
      throw error
    }
  }

  /** The budget is free again without waiting for what hangs. A commit that is under way is not overtaken. */
  hungUp(reason: unknown): unknown {
    if (!this.#committing) void this.#release('the caller hung up')
    return reason
  }

  async #agree(): Promise<AuthorizeResult> {
    const { call, env } = this.#c
    const patience = env.clock.now() + env.patienceMs
    for (let turn = 0; turn < TURNS; turn++) {
      call.signal?.throwIfAborted()
      await env.keepAlive()
      const appraisal = await this.#appraise()
      call.signal?.throwIfAborted()
      if (turn === 0 && this.#source.kind === 'offers') this.#announcer.offers(appraisal.ranked)
      this.#announcer.strangers(this.#id, appraisal.ranked)
      const good = appraisal.ranked.filter((candidate) => this.#allowed(candidate))
      const until = appraisal.unpayable.find(
        (unpayable) => unpayable.earlierExpiresAt !== undefined,
      )?.earlierExpiresAt
      if (good.length === 0 && until !== undefined) return { kind: 'wait', until }
      if (good.length === 0)
        throw await this.#refuse(reasonsOf(appraisal), appraisal.ranked[0], appraisal.unpayable)
      const step = await this.#tryAll(good)
      if (step.kind === 'authorized' || step.kind === 'taken') return step
      if (step.kind === 'next') throw await this.#refuse(this.#reasons, good[0])
      if (step.kind === 'lane') {
        // A busy lane is a queue, not a conflict: waiting for it is no turn.
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

  /** Judges the offers by the facts of this moment; wallets are asked only for quotes that do not hold any more. */
  async #appraise(): Promise<OfferEvaluation> {
    const { at, call, env } = this.#c
    const narrowing = narrowingOf(this.#id, this.#c)
    const ended = ({ quote: { goodUntil } }: Pick<Candidate, 'quote'>): boolean =>
      goodUntil !== undefined && goodUntil <= env.clock.now()
    if (this.#quotes?.quoted.some(ended)) this.#quotes = undefined
    this.#quotes ??= await quoteAll(this.#source, at, call, env, narrowing)
    return evaluateQuotes(this.#source, this.#quotes, at, call, env, narrowing)
  }

  /** Gives back what is set aside, unless the payment has gone further. */
  async #release(reason: string): Promise<void> {
    if (!this.#holding || this.#c.earlier !== undefined) return
    this.#holding = false
    const { env } = this.#c
    try {
      await transition({ id: this.#id }, { to: 'released', reason }, env)
    } catch (error) {
      // The lease runs out by itself, and then anybody may release it; the refusal itself must still be told.
      env.emitter.emit('error', { error, during: 'release' })
    }
  }

  #allowed({ decision, quote }: Candidate): boolean {
    const { earlier, payingUpfront, need } = this.#c
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
    const { at } = this.#c
    try {
      if (this.#c.kind === 'offers') await this.#c.check(candidate.quote.challenge, at)
    } catch (error) {
      return this.#fallThrough(error, candidate)
    }
    if (!this.#mustAsk(candidate)) return this.#pay(candidate)
    const approved = await this.#ask(candidate)
    return isStep(approved) ? approved : this.#pay(approved)
  }

  async #pay(candidate: Candidate): Promise<Step> {
    // Whoever had to wait reads the offers again: what they rest on has moved.
    if (await waitForLane(candidate, this.#c)) return { kind: 'stale' }
    const held = await this.#hold(candidate)
    if (isStep(held)) return held
    this.#announcer.decision(this.#id, candidate)
    return this.#sign(candidate, held.lane)
  }

  /** Asks a person, or waits for who asks about the same request. Nobody else waits on a lane for a person's answer. */
  async #ask(candidate: Candidate): Promise<Candidate | Step> {
    const { env, call, at, fingerprint } = this.#c
    const { agent } = call.context
    const { terms } = candidate.quote
    const question = { agent, vendor: at.vendor, fingerprint, terms, claims: candidate.decision.claims }
    const seat = env.questions.enter(question, env.policy.approvalSettings(call.context), env.clock.now())
    if (seat.kind === 'full') {
      this.#retryAt = seat.retryAt
      this.#reasons.push(tooManyQuestions(seat, question))
      return { kind: 'next' }
    }
    if (seat.kind === 'share') {
      const ending = await seat.question.ended
      const answered = ending === 'answered' || ending === 'given up'
      if (answered || !noBetter(terms, seat.question.terms)) return { kind: 'asked' }
      throw unanswered(candidate, ending)
    }
    try {
      const held = await this.#hold(candidate, seat.reserves ? 'all' : 'nothing')
      if (isStep(held)) return held
      this.#announcer.decision(this.#id, candidate)
      const approved = await approve(this.#id, candidate, this.#c, seat.end)
      this.#approved = candidate
      // The first challenge may have died while the person thought: if this is judged again, then by the one they got.
      if (this.#c.kind === 'offers') this.#source = { kind: 'offers', offers: [approved.quote.challenge] }
      this.#quotes = undefined
      await env.keepAlive()
      return approved
    } finally {
      seat.end('given up')
    }
  }

  /** A person is asked once: what is no worse than what they approved, or than what was paid already, goes on. */
  #mustAsk(candidate: Candidate): boolean {
    if (candidate.decision.effect !== 'ask' || this.#c.earlier !== undefined) return false
    return this.#approved === undefined || !isCovered(candidate, this.#approved)
  }

  async #sign(candidate: Candidate, lane: LaneGrant | undefined): Promise<Step> {
    const { call, env } = this.#c
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

  /** The atomic step of the ledger, and what its answers mean. */
  async #hold(candidate: Candidate, reserves?: 'all' | 'nothing'): Promise<{ lane?: LaneGrant } | Step> {
    const { signal } = this.#c.call
    signal?.throwIfAborted()
    const request = holdOf(this.#id, candidate, this.#c)
    const held = await hold(reserves === undefined ? request : waitingHold(request, reserves), this.#c.env)
    if (held.ok) {
      this.#holding = true
      signal?.throwIfAborted()
      return held.lane === undefined ? {} : { lane: held.lane }
    }
    switch (held.why) {
      case 'short':
        if (await this.#room.make(held.short)) return { kind: 'stale' }
        if (this.#usedUp(candidate, held.short)) return { kind: 'stale' }
        this.#reasons.push(...shortfalls(held.short, candidate.decision, this.#c.env.policy.symbol))
        return { kind: 'next' }
      case 'taken':
        return { kind: 'taken', by: held.by }
      case 'conflict':
        throw standsInTheWay('idempotency_conflict', held.by)
      case 'frozen':
        throw frozen(held.reason)
      case 'stale':
        return { kind: dependsOnOtherPayment(candidate) ? 'stale' : 'judge' }
      default:
        return { kind: held.why }
    }
  }

  /** Only the remembered approval is short: then it does not cover this payment, and a person is asked again. */
  #usedUp({ decision: { grant } }: Candidate, short: readonly Pick<Room, 'claim'>[]): boolean {
    if (grant === undefined || !short.every(({ claim }) => claim.scope.grant === grant)) return false
    this.#c.usedUp.add(grant)
    return true
  }

  /** Durable before anything leaves. Not committed: what was signed is thrown away, and everything judged again. */
  async #commit(candidate: Candidate, prepared: Prepared): Promise<Step> {
    const { call, env } = this.#c
    const { challenge, terms } = candidate.quote
    const attempt = { challengeId: challenge.id, terms, evidence: prepared.evidence }
    let committed = false
    try {
      call.signal?.throwIfAborted()
      this.#committing = true
      const move: Move = {
        to: 'committed',
        attempt,
        pin: candidate.decision.payees === 'pin',
        widenPin: this.#approved !== undefined || candidate.decision.grant !== undefined,
        ...(prepared.signedTotal === undefined ? {} : { signed: prepared.signedTotal }),
      }
      const moved = await tryTransition(this.#id, move, env)
      committed = moved.ok
      if (!moved.ok) {
        if (moved.payment.state !== 'held') this.#startOver()
        return { kind: 'stale' }
      }
      this.#holding = false
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
      this.#c.env.emitter.emit('error', { error, during: 'discard' })
    }
  }

  /** The hold was lost to somebody who found its lease run out: a new one, under a new id. */
  #startOver(): void {
    this.#holding = false
    if (this.#c.earlier === undefined) this.#id = this.#c.env.newId()
  }

  #fallThrough(error: unknown, { quote }: Candidate): Step {
    // A wallet's own words may quote keys and what was signed: for whoever listens, and for nobody else.
    if (!isPaymentError(error)) this.#c.env.emitter.emit('error', { error, during: 'prepare' })
    const failure = isPaymentError(error)
      ? error
      : new PaymentError('wallet_failed', 'untouched', 'The wallet could not prepare this payment')
    this.#failure = failure
    const reason = reasonOf(failure)
    this.#unusable.set(quote, reason)
    this.#reasons.push(reason)
    return { kind: 'next' }
  }

  /** Records the refusal if there were terms to refuse, and makes the error for it. */
  async #refuse(
    reasons: readonly Reason[],
    candidate: Candidate | undefined,
    unpayable: readonly Unpayable[] = [],
  ): Promise<PaymentError> {
    const { env, call, earlier, payingUpfront } = this.#c
    if (payingUpfront) return refused(reasons)
    const code =
      this.#failure?.code ?? (candidate === undefined ? unpayable[0]?.code : undefined) ?? 'refused'
    const failed = this.#failure && { cause: causeFor(this.#failure, call, env) }
    const isNew = !this.#holding && earlier === undefined
    const recorded = candidate && isNew ? await this.#record(reasons, candidate) : undefined
    if (candidate !== undefined) this.#announcer.decision(recorded ?? this.#id, candidate)
    const paymentId = this.#holding ? this.#id : recorded
    return refused(reasons, { code, retryAt: this.#retryAt, paymentId, ...failed })
  }

  /** The id of the record: an equal refusal of today may be recorded already, and then this one is counted there. */
  async #record(reasons: readonly Reason[], candidate: Candidate): Promise<PaymentId> {
    const { lane: _, ...request } = holdOf(this.#id, candidate, this.#c)
    const decision = { ...request.decision, reasons }
    const why = { reason: sentence(reasons) }
    const { id } = await deny({ ...request, decision }, why, this.#c.env)
    return id
  }
}

function frozen(reason: string): PaymentError {
  return refused([{ rule: 'frozen', message: `Payments are frozen: ${clean(reason)}` }], { code: 'frozen' })
}

function isStep(held: object): held is Step {
  return Object.hasOwn(held, 'kind')
}
