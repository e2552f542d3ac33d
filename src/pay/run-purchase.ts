import { isPaymentError, PaymentError, PaymentRefusedError } from '../errors/index.js'
import type { Payment, PaymentId } from '../ledger/index.js'
import type { Challenge, ReplyInfo } from '../protocol/index.js'
import { own } from '../util/objects.js'
import type { QueuePlace } from '../util/queue.js'
import { untilAborted } from '../util/until-aborted.js'
import { authorize } from './authorize/authorize.js'
import { fingerprintOf } from './authorize/fingerprint.js'
import type { AuthorizedPayment, OfferPurchase } from './authorize/purchase.js'
import { replaceCredential, tryAuthorize } from './authorize/replacement.js'
import { noteServerTime } from './authorize/server-time.js'
import { causeFor } from './cause.js'
import type { Call, Env } from './env.js'
import type { Exchange } from './exchange.js'
import { followStream, meter } from './metering/stream.js'
import { abandonPayment } from './recovery/abandon.js'
import { adopt } from './recovery/adopt.js'
import type { InspectionResult } from './recovery/inspection.js'
import { abandonUnsent } from './recovery/unsent.js'
import { actionRequired, provenVoid, reasonOf, refused, unanswered } from './refusal.js'
import { afterLedgerFailure } from './settle/after-ledger-failure.js'
import { noteRejection, tellRejection } from './settle/rejection.js'
import { Restart, restartWithoutSignIn } from './settle/restart.js'
import { type SubmittedCredential, settle } from './settle/settle.js'
import { markUndelivered, watchDelivery } from './settle/undelivered.js'
import { type Submission, submit } from './submit/submit.js'
import { transition } from './transition.js'

type PaymentRequired = Extract<ReplyInfo, { kind: 'payment-required' }>

/**
 * After an abort a ledger that answers still says where the money is; one that hangs is waited for no longer than this.
 */
const GRACE_MS = 100

/**
 * From a 402 to the paid reply: agree; present; conclude.
 *
 * @throws PaymentRefusedError before anything was sent; PaymentError when a credential left and no answer came.
 */
export async function runPurchase<Reply extends object>(
  exchange: Exchange<Reply>,
  asks: PaymentRequired,
  call: Call,
  env: Env,
): Promise<Reply> {
  noteServerTime(asks, env)
  const place = env.queues.place()
  try {
    await env.yieldToEventLoop()
    return await authorizeAndDeliver(exchange, await purchaseOf(exchange, asks, place, call, env))
  } finally {
    // The head of the answer is in: the next payment on this lane does not wait for the body.
    place.leave()
  }
}

/**
 * With the request itself, on a challenge that was answered before: one round trip instead of two.
 *
 * @returns Undefined where this may not be paid now: nothing was sent.
 * @throws PaymentError when a credential left and no answer came.
 */
export async function runUpfrontPurchase<Reply extends object>(
  exchange: Exchange<Reply>,
  offer: Challenge,
  call: Call,
  env: Env,
): Promise<{ readonly reply: Reply } | undefined> {
  const place = env.queues.place()
  try {
    const at = exchange.resource
    const c = await unlessRefused(purchaseOf(exchange, { at, offers: [offer] }, place, call, env))
    if (c === undefined) return undefined
    const agreement = await tryAuthorize({ ...c, payingUpfront: true })
    if (agreement?.kind !== 'authorized') return undefined
    return { reply: await deliver(exchange, agreement.authorized, c) }
  } finally {
    place.leave()
  }
}

/** Everything that agreeing on a payment for this request needs. */
async function purchaseOf<Reply>(
  exchange: Exchange<Reply>,
  reading: Pick<PaymentRequired, 'at' | 'offers'>,
  place: QueuePlace,
  call: Call,
  env: Env,
): Promise<OfferPurchase> {
  return own({
    kind: 'offers' as const,
    at: reading.at,
    offers: reading.offers,
    fingerprint: await fingerprint(exchange, call),
    call,
    env,
    usedUp: new Set(),
    place,
    check: (challenge, at) => exchange.check(challenge, at),
    requestOffers: () => requestOffers(exchange, call),
  })
}

/** @throws PaymentRefusedError for a request that cannot be sent a second time: nothing was signed for it. */
async function fingerprint<Reply>(exchange: Exchange<Reply>, call: Call): Promise<string> {
  try {
    return fingerprintOf(call, await untilAborted(exchange.fingerprint(), call.signal))
  } catch (error) {
    if (!isPaymentError(error, 'not_replayable')) throw error
    throw refused([reasonOf(error)], { code: error.code, cause: error })
  }
}

/** Undefined if it was refused: a request that cannot be sent again goes out unpaid first. */
async function unlessRefused<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof PaymentRefusedError) return undefined
    throw error
  }
}

async function requestOffers<Reply>(exchange: Exchange<Reply>, call: Call): Promise<readonly Challenge[]> {
  const reply = await exchange.send(own(call.signal ? { signal: call.signal } : {}))
  const reading = await exchange.read(reply)
  exchange.discard(reply)
  return reading.kind === 'payment-required' ? reading.offers : []
}

/** Earlier payments of the same purchase are dealt with one after another, before a new one is made. */
async function authorizeAndDeliver<Reply extends object>(
  exchange: Exchange<Reply>,
  c: OfferPurchase,
): Promise<Reply> {
  for (;;) {
    const agreement = await authorize(c)
    if (agreement.kind === 'authorized') return deliver(exchange, agreement.authorized, c)
    if (agreement.kind === 'wait')
      throw new PaymentError('busy', 'untouched', 'A wallet asked to wait for a payment that does not exist')
    const { by } = agreement
    const ended = await c.env.locks.call(by.id, () => afterEarlier(exchange, by, c))
    if (ended !== undefined) return ended.reply
  }
}

/** What an earlier payment of the same purchase leads to. Undefined: it stands in the way no more. */
async function afterEarlier<Reply extends object>(
  exchange: Exchange<Reply>,
  by: Payment,
  c: OfferPurchase,
): Promise<{ readonly reply: Reply } | undefined> {
  const adopted = await adoptFor(exchange, by, c)
  if (adopted === undefined || 'reply' in adopted) return adopted
  return { reply: await deliver(exchange, adopted.authorized, c) }
}

/** Nobody waits for an earlier payment longer than the caller does. */
function adoptFor<Reply extends object>(
  exchange: Exchange<Reply>,
  by: Payment,
  c: OfferPurchase,
): ReturnType<typeof adopt<Reply>> {
  const { env, call } = c
  const adopting = env.locks.free(by.id).then(() => adopt(exchange, by, c, deliver))
  return untilAborted(adopting, call.signal, {
    graceMs: GRACE_MS,
    // Whoever adopted a doubt may have sent its credential again.
    reason: () =>
      by.attempts.length === 0 ? call.signal?.reason : unansweredError(by, call.signal?.reason, env),
    onLate: (adopted) => {
      if (adopted === undefined) return
      if ('reply' in adopted) void reachedNobody(adopted.reply, by.id, exchange, env)
      else void abandonUnsent(adopted.authorized, env)
    },
  })
}

/** The answer came when its caller had been told of a doubt: whoever asks for the same again must not pay again. */
async function reachedNobody<Reply>(
  reply: Reply,
  id: PaymentId,
  exchange: Exchange<Reply>,
  env: Env,
): Promise<void> {
  exchange.discard(reply)
  await markUndelivered(id, 'looking after an abort', env)
}

/** How a payment ended for its caller. */
type CallEnd<Reply> = { readonly reply: Reply | Restart } | { readonly error: PaymentError }

/** From here on money may have moved: whatever fails, what the caller is told says so. The story outlives its caller. */
async function deliver<Reply extends object>(
  exchange: Exchange<Reply>,
  authorized: AuthorizedPayment,
  c: OfferPurchase,
): Promise<Reply> {
  const { env, call } = c
  const end = await untilAborted(delivered(exchange, authorized, c), call.signal, {
    graceMs: GRACE_MS,
    reason: () => unansweredError(authorized.committed, call.signal?.reason, env),
    onLate: (reply) =>
      reply instanceof Restart || void reachedNobody(reply, authorized.payment, exchange, env),
  })
  return end instanceof Restart ? authorizeAndDeliver(exchange, { ...c, ...end }) : end
}

async function delivered<Reply extends object>(
  exchange: Exchange<Reply>,
  authorized: AuthorizedPayment,
  c: OfferPurchase,
): Promise<Reply | Restart> {
  let presented: Submission<Reply> | undefined
  let end: CallEnd<Reply>
  try {
    end = own(
      await rounds(exchange, authorized, c, (latest) => {
        presented = latest
      }),
    )
  } catch (cause) {
    return afterLedgerFailure(authorized.payment, presented, cause, c)
  }
  if ('error' in end) throw end.error
  return end.reply
}

/** Present and conclude; at most one further credential, and only where at most one of the two can settle. */
async function rounds<Reply extends object>(
  exchange: Exchange<Reply>,
  first: AuthorizedPayment,
  c: OfferPurchase,
  note: (presented: Submission<Reply>) => void,
): Promise<CallEnd<Reply>> {
  const { env, call } = c
  let authorized = first
  for (let round = 1; ; round++) {
    const { presented: whole, ...more } = await submit(exchange, authorized, call, env)
    const { presented, metered } = await meter(exchange, whole, authorized)
    note(presented)
    await env.yieldToEventLoop()
    const sending: SubmittedCredential = { authorized, ...more, ...(metered ? { metered: true } : {}) }
    const payment = await noteRejection(presented, await current(authorized, env), env)
    const end = await settle(sending, presented, payment, call, env)
    const reply = presented.kind === 'reply' ? presented.reply : undefined
    if (reply !== undefined) env.attachOutcome(reply, end.payment)
    switch (end.kind) {
      case 'lost':
        return {
          error:
            actionRequiredFor(end, env) ?? unansweredError(end.payment, causeFor(end.cause, call, env), env),
        }
      case 'answered':
        tellRejection(end.payment, env)
        if (metered) void followStream({ exchange, metered, sending, payment: end.payment, case: c, deliver })
        if (reply === undefined) return { error: unansweredError(end.payment, undefined, env) }
        if (!metered) watchDelivery(exchange, reply, end.payment.id, env)
        return { reply }
      case 'redirect':
        if (reply === undefined) return { error: unansweredError(end.payment, undefined, env) }
        return { reply: await follow(exchange, reply, end.to, end.payment, env) }
      case 'asked': {
        const asks =
          presented.kind === 'reply' && presented.reading.kind === 'payment-required'
            ? presented.reading
            : undefined
        const other =
          end.dead && asks ? await restartWithoutSignIn(authorized, asks, end.payment, env) : undefined
        if (other !== undefined) {
          if (reply !== undefined) exchange.discard(reply)
          return { reply: other }
        }
        const next =
          round === 1 && asks !== undefined && end.payment.state === 'committed'
            ? await replaceCredential({ ...c, at: asks.at, offers: asks.offers }, sending, end)
            : undefined
        if (next === undefined) return { error: await afterLastAttempt(end.payment, reply, env) }
        if (reply !== undefined) exchange.discard(reply)
        authorized = next
      }
    }
  }
}

/** Following a redirect without the credential: what it leads to is the caller's answer. */
async function follow<Reply extends object>(
  exchange: Exchange<Reply>,
  reply: Reply,
  to: string | undefined,
  payment: Payment,
  env: Env,
): Promise<Reply> {
  const followed = to === undefined ? undefined : await exchange.follow?.(reply, to)
  if (followed === undefined) {
    env.emitter.emit('anomaly', {
      kind: 'redirected_after_payment',
      payment: payment.id,
      message: 'The paid request was redirected to where a credential may not go.',
    })
    return reply
  }
  const reading = await exchange.read(followed)
  const delivered = reading.kind === 'response' && reading.ok
  const after =
    delivered && payment.state === 'settled' ? await transition(payment, { to: 'delivered' }, env) : payment
  env.attachOutcome(followed, after)
  return followed
}

async function current(authorized: AuthorizedPayment, env: Env): Promise<Payment> {
  const payment = await env.ledger.get(authorized.payment)
  if (payment === undefined)
    throw new PaymentError('ledger_failed', 'unknown', 'The ledger lost a payment that was committed', {
      paymentId: authorized.payment,
    })
  return payment
}

/** The server keeps asking: the last look, and then what is known is told. */
async function afterLastAttempt(
  payment: Payment,
  reply: object | undefined,
  env: Env,
): Promise<PaymentError> {
  const seen = payment.state === 'committed' ? await abandonPayment(payment, env) : { payment }
  const waits = actionRequiredFor({ ...seen, reply }, env)
  if (waits !== undefined) return waits
  const after = seen.payment
  if (after.state !== 'settled') tellRejection(after, env)
  if (after.state === 'released') return voidError(after, undefined, env, reply)
  const error = unanswered(after, reply === undefined ? {} : { reply })
  if (after.state === 'settled')
    env.emitter.emit('anomaly', {
      kind: 'settled_without_delivery',
      payment: after.id,
      message: 'The payment settled, and the server asked for another instead of answering.',
    })
  env.attachOutcome(error, after)
  return error
}

/** Undefined: it waits for nobody. A wallet that cannot look may have said so when it made the credential. */
function actionRequiredFor(
  {
    payment,
    open,
    cause,
    reply,
  }: InspectionResult & { readonly cause?: unknown; readonly reply?: object | undefined },
  env: Env,
): PaymentError | undefined {
  const person = open?.state === 'pending' ? open.person : undefined
  const told = isPaymentError(cause, 'action_required') ? cause : undefined
  if (payment.state !== 'committed' || (person === undefined && told === undefined)) return undefined
  const error = actionRequired(payment, person?.action ?? told?.action, reply === undefined ? {} : { reply })
  env.attachOutcome(error, payment)
  return error
}

function unansweredError(payment: Payment, cause: unknown, env: Env): PaymentError {
  if (payment.state === 'released') return voidError(payment, cause, env)
  const error = unanswered(payment, { cause })
  env.attachOutcome(error, payment)
  return error
}

function voidError(payment: Payment, cause: unknown, env: Env, reply?: object): PaymentError {
  const error = provenVoid(payment, {
    ...(cause === undefined ? {} : { cause }),
    ...(reply === undefined ? {} : { reply }),
  })
  env.attachOutcome(error, payment)
  return error
}
