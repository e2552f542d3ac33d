import { clean, isPaymentError, PaymentError, type Reason } from '../../errors/index.js'
import type { Channel, Evidence, FactsQuery, PaymentId } from '../../ledger/index.js'
import { type Bounds, type Decision, type Facts, operationPattern, type Terms } from '../../policy/index.js'
import { type Challenge, type JsonObject, likingOf, type Resource } from '../../protocol/index.js'
import { completeOwn, own } from '../../util/objects.js'
import type {
  ChannelOperation,
  ChannelWallet,
  Quote,
  QuoteContext,
  Unpayable,
  Wallet,
} from '../../wallet/index.js'
import type { Call, Env } from '../env.js'
import { EFFECTS, rank } from './rank.js'
import { noteWalletTimes, reportNodeFaults } from './server-time.js'

/** An offer that one wallet can pay, judged. */
export interface Candidate {
  readonly quote: Quote
  readonly wallet: Wallet
  readonly bounds: Bounds
  readonly decision: Decision
  /** Who approved it, where policy asked. */
  readonly approvedBy?: string
}

/** What the wallets made of the offers. Which of them policy allows is not said yet. */
export interface Quotes {
  readonly quoted: readonly Omit<Candidate, 'decision'>[]
  readonly unpayable: readonly Unpayable[]
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

/** What narrows an appraisal in the course of a payment. */
export interface QuoteConstraints {
  readonly alive?: LivePredecessor | undefined
  /** Remembered approvals that have no room left: what they would have covered is asked for again. */
  readonly usedUp?: ReadonlySet<string>
  /** What a reply that is being read says it needs. */
  readonly need?: { readonly claims: JsonObject } | undefined
  /** The request that is being bought, and the payment's id if it has one already. */
  readonly purchase?: { readonly fingerprint: string; readonly id?: PaymentId } | undefined
}

/** What the wallets quote: the offers of a server, or one operation on a channel, which one wallet quotes. */
export type QuoteSource = { readonly kind: 'offers'; readonly offers: readonly Challenge[] } | OperationSource

/** An owner's operation on a channel, and the wallet of the channel. */
export interface OperationSource {
  readonly kind: 'operation'
  readonly operation: ChannelOperation
  readonly wallet: ChannelWallet
  readonly channel: Channel
}

/** Gets every quote that the wallets can make, and judges each. Signs nothing. */
export async function evaluateSource(
  source: QuoteSource,
  at: Resource,
  call: Call,
  env: Env,
  narrowing: QuoteConstraints = {},
): Promise<OfferEvaluation> {
  const quotes = await quoteAll(source, at, call, env, narrowing)
  return evaluateQuotes(source, quotes, at, call, env, narrowing)
}

/** Asks every wallet that knows an offer's kind for a quote of it, or the wallet of a channel for one of an operation. */
export async function quoteAll(
  source: QuoteSource,
  at: Resource,
  call: Call,
  env: Env,
  narrowing: QuoteConstraints,
): Promise<Quotes> {
  const { alive, need } = own(narrowing)
  const bounds = env.policy.bounds(at, call.context)
  const { requests, unpayable } = requestsFor(source, env, alive)
  const quotes = await Promise.all(
    requests.map(({ quote }) => quoteSafely(quote, at, bounds, env, { alive, need })),
  )
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
  return { quoted, unpayable }
}

interface QuoteRequest {
  readonly wallet: Wallet
  quote(context: QuoteContext): Promise<Quote | Unpayable>
}

/** Whom to ask for which quote, and which offers nobody is asked about. */
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
 * Judges what the wallets quoted. The ledger takes a decision for a few seconds only, so the facts are read here, after
 * the quotes: wallets may take as long as they need.
 */
export async function evaluateQuotes(
  source: QuoteSource,
  { quoted, unpayable }: Quotes,
  at: Resource,
  call: Call,
  env: Env,
  narrowing: QuoteConstraints,
): Promise<OfferEvaluation> {
  const { usedUp } = own(narrowing)
  const returnsMoney = source.kind === 'operation' && source.operation.kind !== 'topUp'
  const purchase = returnsMoney ? undefined : purchaseQuery(at, call, env, narrowing)
  const known = await env.ledger.facts({
    vendor: at.vendor,
    operation: operationPattern(at),
    agent: call.context.agent,
    unit: env.policy.unit,
    ...(purchase === undefined ? {} : { purchase }),
  })
  const facts = usedUp ? { ...known, grants: known.grants.filter(({ id }) => !usedUp.has(id)) } : known
  const judged = quoted.map((one) => {
    const judgement = judge(one.quote.terms, at, call, env, facts)
    const decision = returnsMoney ? allowReturn(judgement, one.quote.terms) : judgement
    // Nothing was asked of earlier purchases, so the ledger is not held to any.
    return { ...one, decision: purchase === undefined ? withoutRepeat(decision) : decision }
  })
  return { ranked: rank(judged, env), unpayable }
}

/** What policy is told of the call. */
export function contextOf({ context, key }: Call): Call['context'] {
  return key === undefined ? context : own({ ...context, keyed: true })
}

/** What the ledger needs to find an earlier purchase of the same request. Undefined if no rule asks for it. */
function purchaseQuery(
  at: Resource,
  call: Call,
  { policy, owner, doubtWindowMs }: Env,
  narrowing: QuoteConstraints,
): FactsQuery['purchase'] {
  const { purchase } = own(narrowing)
  const withinMs = purchase && policy.repeatWithin(at, contextOf(call))
  if (purchase === undefined || withinMs === undefined) return undefined
  const { key } = call
  return own({ ...purchase, owner, doubtWindowMs, withinMs, ...(key === undefined ? {} : { key }) })
}

/** A wallet that throws cannot pay this offer; the others still can. */
async function quoteSafely(
  quoteWith: QuoteRequest['quote'],
  resource: Resource,
  bounds: Bounds,
  env: Env,
  { alive, need }: QuoteConstraints,
): Promise<Quote | Unpayable> {
  try {
    const context = own({
      resource,
      bounds,
      now: env.clock.now(),
      ledger: env.ledgerId,
      currencies: env.currencies,
      channels: env.ledger,
      ...(alive && { earlierEvidence: alive.evidence }),
      ...(need && { meterClaims: need.claims }),
    })
    const quote = await quoteWith(context)
    if (isUnpayable(quote)) return own(quote)
    completeOwn(quote, ['lane', 'replaces', 'goodUntil'])
    completeOwn(quote.terms, ['fee', 'locks', 'escrow'])
    if (quote.lane !== undefined) completeOwn(quote.lane, ['at'])
    return alive === undefined || takesItsPlace(quote) ? freezeQuote(quote) : IN_DOUBT
  } catch (error) {
    if (isPaymentError(error)) return own({ unpayable: clean(error.message), code: error.code })
    // Its own words may quote keys and addresses: for whoever listens, and not for refusals and the ledger.
    env.emitter.emit('error', { error, during: 'quote' })
    return own({ unpayable: 'The wallet could not read this offer', code: 'wallet_failed' })
  }
}

function isUnpayable(quote: Quote | Unpayable): quote is Unpayable {
  return Object.hasOwn(quote, 'unpayable')
}

/**
 * While an earlier credential may settle, a wallet says what keeps the next one from settling beside it, or that one
 * moves nothing. One that says neither was not written for a second credential, and gets none.
 */
function takesItsPlace({ replaces, terms: { most, locks } }: Quote): boolean {
  return replaces !== undefined || (most.value === 0n && locks === undefined)
}

const IN_DOUBT: Unpayable = {
  unpayable: 'An earlier payment for this may still go through',
  code: 'payment_in_doubt',
}

/** What is judged is what is signed: no wallet can change its terms after policy has seen them. */
function freezeQuote(quote: Quote): Quote {
  const { terms } = quote
  for (const payee of terms.payees) Object.freeze(payee)
  Object.freeze(terms.payees)
  if (terms.fee !== undefined) Object.freeze(terms.fee)
  Object.freeze(terms)
  return Object.freeze(quote)
}

function judge(terms: Terms, at: Resource, call: Call, env: Env, facts: Facts): Decision {
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

/** Anything else that a policy of somebody's own may answer is no. */
function isDecision(decision: Partial<Decision> | null | undefined): boolean {
  const effect: string = decision?.effect ?? ''
  return Object.hasOwn(EFFECTS, effect) && Array.isArray(decision?.claims) && Array.isArray(decision?.reasons)
}

/** Every reason against every offer, for the caller who gets none of them. */
export function reasonsOf({ ranked, unpayable }: OfferEvaluation): Reason[] {
  return [
    ...ranked.flatMap((candidate) => candidate.decision.reasons),
    ...unpayable.map(({ unpayable: message }) => ({ rule: 'wallet', message: clean(message) })),
  ]
}
