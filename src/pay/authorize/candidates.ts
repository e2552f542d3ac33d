import { clean, isPaymentError, PaymentError, type Reason } from '../../errors/index.js'
import type { Channel, Evidence, FactsQuery, PaymentId } from '../../ledger/index.js'
import { type Bounds, type Decision, type Facts, operationPattern, type Terms } from '../../policy/index.js'
import { type Challenge, type JsonObject, likingOf, type Resource } from '../../protocol/index.js'
import { completeOwn, own } from '../../util/objects.js'
import type {
  ChannelOperation,
  ChannelWallet,
  Prepared,
  Quote,
  QuoteContext,
  Unpayable,
  Wallet,
} from '../../wallet/index.js'
import type { Call, CallContext, Env } from '../env.js'
import { EFFECTS, rank } from './rank.js'
import { noteWalletTimes, reportNodeFaults } from './server-time.js'

/** An offer that one wallet can pay, judged. */
export interface Candidate {
  readonly quote: Quote
  readonly wallet: Wallet
  readonly bounds: Bounds
  readonly decision: Decision
  /** Who approved it, if policy asked for an approval. */
  readonly approvedBy?: string | undefined
}

/** The quotes of the wallets. Policy has not judged them yet. */
export interface Quotes {
  readonly quoted: readonly Omit<Candidate, 'decision'>[]
  readonly unpayable: readonly Unpayable[]
  /** Whether the quotes are for an operation that returns money to the owner. */
  readonly returnsMoney: boolean
}

export interface OfferEvaluation {
  /** Best first: see `rank`. */
  readonly ranked: readonly Candidate[]
  readonly unpayable: readonly Unpayable[]
}

/** An earlier credential of the payment that may still settle, and the wallet it belongs to. */
export interface LivePredecessor {
  readonly evidence: Evidence
  readonly wallet: Wallet
}

/** Constraints on the quotes of a payment and on their evaluation. */
export interface QuoteConstraints {
  readonly alive: LivePredecessor | undefined
  /** Remembered approvals that have no room left: for what they would have covered, a person is asked again. */
  readonly usedUp: ReadonlySet<string> | undefined
  /** What a stream says it needs. */
  readonly need: { readonly claims: JsonObject } | undefined
  /** The request that is bought, and the payment's id if it has one already. */
  readonly purchase: { readonly fingerprint: string; readonly id?: PaymentId } | undefined
}

/** The source of quotes: the offers of a server, or one operation on a channel, which one wallet quotes. */
export type QuoteSource = { readonly kind: 'offers'; readonly offers: readonly Challenge[] } | OperationSource

/** An owner's operation on a channel, and the wallet of the channel. */
export interface OperationSource {
  readonly kind: 'operation'
  readonly operation: ChannelOperation
  readonly wallet: ChannelWallet
  readonly channel: Channel
}

/** A call, and what it is about. */
export interface ResourceContext extends CallContext {
  readonly at: Resource
}

/** Gets every quote that the wallets can make, and judges each. Signs nothing. */
export async function evaluateSource(
  source: QuoteSource,
  context: ResourceContext,
  constraints: QuoteConstraints,
): Promise<OfferEvaluation> {
  return evaluateQuotes(await quoteAll(source, context, constraints), context, constraints)
}

/** Asks every wallet that knows an offer's kind for a quote, or the wallet of a channel for a quote of an operation. */
export async function quoteAll(
  source: QuoteSource,
  { at, call, env }: ResourceContext,
  { alive, need }: QuoteConstraints,
): Promise<Quotes> {
  const bounds = env.policy.bounds(at, call.context)
  const { requests, unpayable } = requestsFor(source, env, alive)
  const context: QuoteContext = own({
    resource: at,
    bounds,
    now: env.clock.now(),
    ledger: env.ledgerId,
    currencies: env.currencies,
    channels: env.ledger,
    ...(alive && { earlierEvidence: alive.evidence }),
    ...(need && { meterClaims: need.claims }),
  })
  const quotes = await Promise.all(requests.map(({ quote }) => quoteSafely(quote, own(context), env)))
  const quoted: Omit<Candidate, 'decision'>[] = []
  for (const [index, quote] of quotes.entries()) {
    const wallet = requests[index]?.wallet
    if (wallet === undefined) continue
    if (isUnpayable(quote)) unpayable.push(quote)
    else quoted.push({ quote, wallet, bounds })
  }
  // Wallets have just asked their nodes.
  noteWalletTimes(env)
  reportNodeFaults(env)
  const returnsMoney = source.kind === 'operation' && source.operation.kind !== 'topUp'
  return { quoted, unpayable, returnsMoney }
}

interface QuoteRequest {
  readonly wallet: Wallet
  quote(context: QuoteContext): Promise<Quote | Unpayable>
}

/** The wallets to ask, and the offers that no wallet is asked about. */
function requestsFor(
  source: QuoteSource,
  { prefer, wallets }: Env,
  alive: LivePredecessor | undefined,
): { readonly requests: readonly QuoteRequest[]; readonly unpayable: Unpayable[] } {
  if (source.kind === 'operation') {
    const { wallet, operation, channel } = source
    const quote: QuoteRequest['quote'] = (context) => wallet.quoteOperation(operation, channel, context)
    return { requests: [{ wallet, quote }], unpayable: [] }
  }
  const { offers } = source
  const ruledOut = new Set(offers.map(({ kind }) => kind).filter((kind) => likingOf(prefer, kind).q === 0))
  const requests = offers.flatMap((challenge) =>
    wallets
      .filter(({ kinds }) => kinds.includes(challenge.kind) && !ruledOut.has(challenge.kind))
      .filter((wallet) => !alive || wallet === alive.wallet)
      .map((wallet): QuoteRequest => ({ wallet, quote: (context) => wallet.quote(challenge, context) })),
  )
  const unpayable = [...ruledOut].map((kind) =>
    own({ unpayable: `Payments by ${clean(kind, 60)} are ruled out by the preferences of this purser` }),
  )
  return { requests, unpayable }
}

/**
 * Judges the quotes of the wallets. The ledger accepts a decision only for a few seconds, and wallets may take as long
 * as they need. So the facts are read here, after the quotes.
 */
export async function evaluateQuotes(
  { quoted, unpayable, returnsMoney }: Quotes,
  context: ResourceContext,
  constraints: QuoteConstraints,
): Promise<OfferEvaluation> {
  const { at, call, env } = context
  const { usedUp } = constraints
  const purchase = returnsMoney ? undefined : purchaseQuery(context, constraints)
  const known = await env.ledger.facts({
    vendor: at.vendor,
    operation: operationPattern(at),
    agent: call.context.agent,
    unit: env.policy.unit,
    ...(purchase === undefined ? {} : { purchase }),
  })
  const facts = usedUp ? { ...known, grants: known.grants.filter(({ id }) => !usedUp.has(id)) } : known
  const judged = quoted.map((one) => {
    const judgement = judge(one.quote.terms, facts, context)
    const decision = returnsMoney ? allowReturn(judgement, one.quote.terms) : judgement
    // The ledger was not asked for earlier purchases, so the decision must not depend on any.
    return { ...one, decision: purchase === undefined ? withoutRepeat(decision) : decision }
  })
  return { ranked: rank(judged, env), unpayable }
}

/** The call as policy sees it. */
export function contextOf({ context, key }: Call): Call['context'] {
  return key === undefined ? context : own({ ...context, keyed: true })
}

/** How the ledger finds an earlier purchase of the same request. Undefined if no rule asks for it. */
function purchaseQuery(
  { at, call, env }: ResourceContext,
  { purchase }: QuoteConstraints,
): FactsQuery['purchase'] {
  const { policy, owner, doubtWindowMs } = env
  const withinMs = purchase && policy.repeatWithin(at, contextOf(call))
  if (purchase === undefined || withinMs === undefined) return undefined
  const { key } = call
  return own({ ...purchase, owner, doubtWindowMs, withinMs, ...(key === undefined ? {} : { key }) })
}

/** Asks a wallet for a quote. A wallet that throws cannot pay this offer; the other wallets still can. */
async function quoteSafely(
  quoteWith: QuoteRequest['quote'],
  context: QuoteContext,
  env: Env,
): Promise<Quote | Unpayable> {
  try {
    const quote = await quoteWith(context)
    if (isUnpayable(quote)) return own(quote)
    completeOwn(quote, ['lane', 'replaces', 'goodUntil'])
    completeOwn(quote.terms, ['fee', 'locks', 'escrow'])
    if (quote.lane !== undefined) completeOwn(quote.lane, ['at'])
    const second = context.earlierEvidence !== undefined
    return second && !excludesEarlier(quote) ? IN_DOUBT : freezeQuote(quote)
  } catch (error) {
    if (isPaymentError(error)) return own({ unpayable: clean(error.message), code: error.code })
    // The error's own text may quote keys and addresses. Listeners can read it; refusals and the ledger do not have it.
    env.emitter.emit('error', { error, during: 'quote' })
    return own({ unpayable: 'The wallet could not read this offer', code: 'wallet_failed' })
  }
}

function isUnpayable(quote: Quote | Unpayable): quote is Unpayable {
  return Object.hasOwn(quote, 'unpayable')
}

/**
 * Whether a second credential cannot settle together with an earlier one that may still settle. The wallet says why, or
 * its credential moves no money. A wallet that says neither was not written for second credentials, and makes none.
 */
function excludesEarlier({ replaces, terms: { most, locks } }: Quote): boolean {
  return replaces !== undefined || (most.value === 0n && locks === undefined)
}

const IN_DOUBT: Unpayable = {
  unpayable: 'An earlier payment for this may still go through',
  code: 'payment_in_doubt',
}

/** The judged terms are the signed terms: no wallet can change them after policy has seen them. */
function freezeQuote(quote: Quote): Quote {
  const { terms } = quote
  for (const payee of terms.payees) Object.freeze(payee)
  Object.freeze(terms.payees)
  if (terms.fee !== undefined) Object.freeze(terms.fee)
  Object.freeze(terms)
  return Object.freeze(quote)
}

function judge(terms: Terms, facts: Facts, { at, call, env }: ResourceContext): Decision {
  try {
    const advertised = env.advertised?.(at, terms) ?? facts.advertised
    const seen = advertised === undefined ? facts : { ...facts, advertised }
    const decision = own(env.policy.evaluate(terms, at, contextOf(call), own(seen)))
    if (!isDecision(decision)) throw new TypeError('The policy gave no decision')
    return Object.freeze(decision)
  } catch (error) {
    env.emitter.emit('error', { error, during: 'policy' })
    throw new PaymentError('refused', 'untouched', 'The policy could not be evaluated, so nothing is paid', {
      reasons: [{ rule: 'policy', message: 'The policy could not be evaluated.' }],
    })
  }
}

/**
 * The owner may close a channel and take the deposit back whatever policy says of the vendor by now: nothing is bought.
 * This holds only if the wallet asks for no price and no deposit. A fee counts in the budgets as for any payment.
 */
function allowReturn(decision: Decision, { most, locks }: Terms): Decision {
  const costsNoPrice = most.value === 0n && locks === undefined && decision.units !== undefined
  return costsNoPrice ? Object.freeze(own({ ...decision, effect: 'allow' as const })) : decision
}

function withoutRepeat(decision: Decision): Decision {
  if (decision.repeat === undefined) return decision
  const { repeat: _, ...rest } = decision
  return Object.freeze(own(rest))
}

/** A custom policy may return anything. A value that is no decision refuses the payment. */
function isDecision(decision: Partial<Decision> | null | undefined): boolean {
  const effect: string = decision?.effect ?? ''
  return Object.hasOwn(EFFECTS, effect) && Array.isArray(decision?.claims) && Array.isArray(decision?.reasons)
}

/** Returns the reason of an offer that names another payee than before, if it was not simply allowed. */
export function payeeChangeIn(ranked: readonly Candidate[]): Reason | undefined {
  const reasons = ranked.flatMap(({ decision }) => (decision.effect === 'allow' ? [] : decision.reasons))
  return reasons.find(({ rule }) => rule === 'payees.pinned' || rule === 'ask.newPayee')
}

/** Every reason against every offer. */
export function reasonsOf({ ranked, unpayable }: OfferEvaluation): Reason[] {
  return [
    ...ranked.flatMap((candidate) => candidate.decision.reasons),
    ...unpayable.map(({ unpayable: message }) => ({ rule: 'wallet', message: clean(message) })),
  ]
}

/**
 * Checks that the payment can be inspected and discarded later.
 *
 * @throws TypeError if the evidence does not name its wallet, or a function is missing.
 */
export function checkPrepared(prepared: Prepared, { id }: Wallet): Prepared {
  completeOwn(Object(prepared), ['nextLaneValue', 'signedTotal'])
  const { evidence, complete, discard }: Partial<Prepared> = Object(prepared)
  if (evidence !== undefined) completeOwn(Object(evidence), ['recheckAt'])
  const whole = evidence?.wallet === id && Array.isArray(evidence.refs)
  if (whole && typeof complete === 'function' && typeof discard === 'function') return prepared
  throw new TypeError('The wallet prepared no payment')
}
