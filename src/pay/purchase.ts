import { isPaymentError, own, PaymentError, PaymentRefusedError } from '../errors/index.js'
import type { Payment, PaymentId } from '../ledger/index.js'
import type { Challenge, Reading } from '../protocol/index.js'
import { adopt } from './adopt.js'
import { agree } from './agree.js'
import { Anew, anew } from './anew.js'
import type { Case, Deal } from './case.js'
import { causeFor } from './cause.js'
import { conclude, type Sending } from './conclude.js'
import type { Examined } from './doubt.js'
import type { Call, Env } from './env.js'
import type { Exchange } from './exchange.js'
import { fingerprintOf } from './fingerprint.js'
import { hearServer } from './hear-time.js'
import { heed } from './heed.js'
import { followStream, meter } from './metering.js'
import { type Presented, present } from './present.js'
import type { Place } from './queue.js'
import { actionRequired, provenVoid, reasonOf, refused, unanswered } from './refusal.js'
import { noteRejection, tellRejection } from './rejection.js'
import { secondCredential, tryAgree } from './second.js'
import { undelivered, watch } from './undelivered.js'
import { leaveUnsent } from './unsent.js'
import { unwritten } from './unwritten.js'
import { windUp } from './wind-up.js'

type Asks = Extract<Reading, { kind: 'asks' }>

/**
 * After an abort a ledger that answers still says where the money is; one that hangs is waited for no longer than this.
 */
const GRACE_MS = 100

/**
 * From a 402 to the paid reply: agree; present; conclude.
 *
 * @throws PaymentRefusedError before anything was sent; PaymentError when a credential left and no answer came.
 */
export async function purchase<Reply extends object>(
  exchange: Exchange<Reply>,
  asks: Asks,
  call: Call,
  env: Env,
): Promise<Reply> {
  hearServer(asks, env)
  const place = env.queues.place()
  try {
    await env.breathe()
    return await buy(exchange, await caseOf(exchange, asks, place, call, env))
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
export async function purchaseAtOnce<Reply extends object>(
  exchange: Exchange<Reply>,
  offer: Challenge,
  call: Call,
  env: Env,
): Promise<{ readonly reply: Reply } | undefined> {
  const place = env.queues.place()
  try {
    const at = exchange.resource
    const c = await unlessRefused(caseOf(exchange, { at, offers: [offer] }, place, call, env))
    if (c === undefined) return undefined
    const agreement = await tryAgree({ ...c, unasked: true })
    if (agreement?.kind !== 'deal') return undefined
    return { reply: await deliver(exchange, agreement.deal, c) }
  } finally {
    place.leave()
  }
}

/** Everything that agreeing on a payment for this request needs. */
async function caseOf<Reply>(
  exchange: Exchange<Reply>,
  reading: Pick<Asks, 'at' | 'offers'>,
  place: Place,
  call: Call,
  env: Env,
): Promise<Case> {
  return own({
    at: reading.at,
    offers: reading.offers,
    fingerprint: await fingerprint(exchange, call),
    call,
    env,
    usedUp: new Set(),
    place,
    check: (challenge, at) => exchange.check(challenge, at),
    again: () => askAgain(exchange, call),
  })
}

/** @throws PaymentRefusedError for a request that cannot be sent a second time: nothing was signed for it. */
async function fingerprint<Reply>(exchange: Exchange<Reply>, call: Call): Promise<string> {
  try {
    return fingerprintOf(call, await heed(exchange.fingerprint(), call.signal))
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

async function askAgain<Reply>(exchange: Exchange<Reply>, call: Call): Promise<readonly Challenge[]> {
  const reply = await exchange.send(own(call.signal ? { signal: call.signal } : {}))
  const reading = await exchange.read(reply)
  exchange.drop(reply)
  return reading.kind === 'asks' ? reading.offers : []
}

/** Earlier payments of the same purchase are dealt with one after another, before a new one is made. */
async function buy<Reply extends object>(exchange: Exchange<Reply>, c: Case): Promise<Reply> {
  for (;;) {
    const agreement = await agree(c)
    if (agreement.kind === 'deal') return deliver(exchange, agreement.deal, c)
    if (agreement.kind === 'wait')
      throw new PaymentError('busy', 'untouched', 'A wallet asked to wait for a payment that does not exist')
    const { by } = agreement
    const ended = await c.env.hands.call(by.id, () => afterEarlier(exchange, by, c))
    if (ended !== undefined) return ended.reply
  }
}

/** What an earlier payment of the same purchase leads to. Undefined: it stands in the way no more. */
async function afterEarlier<Reply extends object>(
  exchange: Exchange<Reply>,
  by: Payment,
  c: Case,
): Promise<{ readonly reply: Reply } | undefined> {
  const adopted = await adoptFor(exchange, by, c)
  if (adopted === undefined || 'reply' in adopted) return adopted
  return { reply: await deliver(exchange, adopted.deal, c) }
}

/** Nobody waits for an earlier payment longer than the caller does. */
function adoptFor<Reply extends object>(
  exchange: Exchange<Reply>,
  by: Payment,
  c: Case,
): ReturnType<typeof adopt<Reply>> {
  const { env, call } = c
  const adopting = env.hands.free(by.id).then(() => adopt(exchange, by, c, deliver))
  return heed(adopting, call.signal, {
    graceMs: GRACE_MS,
    // Whoever adopted a doubt may have sent its credential again.
    told: () => (by.attempts.length === 0 ? call.signal?.reason : lost(by, call.signal?.reason, env)),
    late: (adopted) => {
      if (adopted === undefined) return
      if ('reply' in adopted) void reachedNobody(adopted.reply, by.id, exchange, env)
      else void leaveUnsent(adopted.deal, env)
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
  exchange.drop(reply)
  await undelivered(id, 'looking after an abort', env)
}

/** How a payment ended for its caller. */
type End<Reply> = { readonly reply: Reply | Anew } | { readonly error: PaymentError }

/** From here on money may have moved: whatever fails, what the caller is told says so. The story outlives its caller. */
async function deliver<Reply extends object>(exchange: Exchange<Reply>, deal: Deal, c: Case): Promise<Reply> {
  const { env, call } = c
  const end = await heed(delivered(exchange, deal, c), call.signal, {
    graceMs: GRACE_MS,
    told: () => lost(deal.committed, call.signal?.reason, env),
    late: (reply) => reply instanceof Anew || void reachedNobody(reply, deal.payment, exchange, env),
  })
  return end instanceof Anew ? buy(exchange, { ...c, ...end }) : end
}

async function delivered<Reply extends object>(
  exchange: Exchange<Reply>,
  deal: Deal,
  c: Case,
): Promise<Reply | Anew> {
  let presented: Presented<Reply> | undefined
  let end: End<Reply>
  try {
    end = own(
      await rounds(exchange, deal, c, (latest) => {
        presented = latest
      }),
    )
  } catch (cause) {
    return unwritten(deal.payment, presented, cause, c)
  }
  if ('error' in end) throw end.error
  return end.reply
}

/** Present and conclude; at most one further credential, and only where at most one of the two can settle. */
async function rounds<Reply extends object>(
  exchange: Exchange<Reply>,
  first: Deal,
  c: Case,
  note: (presented: Presented<Reply>) => void,
): Promise<End<Reply>> {
  const { env, call } = c
  let deal = first
  for (let round = 1; ; round++) {
    const { presented: whole, ...more } = await present(exchange, deal, call, env)
    const { presented, metered } = await meter(exchange, whole, deal)
    note(presented)
    await env.breathe()
    const sending: Sending = { deal, ...more, ...(metered ? { metered: true } : {}) }
    const payment = await noteRejection(presented, await current(deal, env), env)
    const end = await conclude(sending, presented, payment, call, env)
    const reply = presented.kind === 'reply' ? presented.reply : undefined
    if (reply !== undefined) env.attach(reply, end.payment)
    switch (end.kind) {
      case 'lost':
        return { error: waiting(end, env) ?? lost(end.payment, causeFor(end.cause, call, env), env) }
      case 'answered':
        tellRejection(end.payment, env)
        if (metered) void followStream({ exchange, metered, sending, payment: end.payment, case: c, deliver })
        if (reply === undefined) return { error: lost(end.payment, undefined, env) }
        if (!metered) watch(exchange, reply, end.payment.id, env)
        return { reply }
      case 'moved':
        if (reply === undefined) return { error: lost(end.payment, undefined, env) }
        return { reply: await follow(exchange, reply, end.to, end.payment, env) }
      case 'asked': {
        const asks =
          presented.kind === 'reply' && presented.reading.kind === 'asks' ? presented.reading : undefined
        const other = end.dead && asks ? await anew(deal, asks, end.payment, env) : undefined
        if (other !== undefined) {
          if (reply !== undefined) exchange.drop(reply)
          return { reply: other }
        }
        const next =
          round === 1 && asks !== undefined && end.payment.state === 'committed'
            ? await secondCredential({ ...c, at: asks.at, offers: asks.offers }, sending, end)
            : undefined
        if (next === undefined) return { error: await givenUp(end.payment, reply, env) }
        if (reply !== undefined) exchange.drop(reply)
        deal = next
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
      says: 'The paid request was redirected to where a credential may not go.',
    })
    return reply
  }
  const reading = await exchange.read(followed)
  const delivered = reading.kind === 'answers' && reading.ok
  const moved =
    delivered && payment.state === 'settled'
      ? await env.ledger.advance(payment.id, { to: 'delivered' })
      : undefined
  env.attach(followed, moved?.payment ?? payment)
  return followed
}

async function current(deal: Deal, env: Env): Promise<Payment> {
  const payment = await env.ledger.get(deal.payment)
  if (payment === undefined)
    throw new PaymentError('ledger_failed', 'unknown', 'The ledger lost a payment that was committed', {
      paymentId: deal.payment,
    })
  return payment
}

/** The server keeps asking: the last look, and then what is known is told. */
async function givenUp(payment: Payment, reply: object | undefined, env: Env): Promise<PaymentError> {
  const seen = payment.state === 'committed' ? await windUp(payment, env) : { payment }
  const waits = waiting({ ...seen, reply }, env)
  if (waits !== undefined) return waits
  const after = seen.payment
  if (after.state !== 'settled') tellRejection(after, env)
  if (after.state === 'released') return voided(after, undefined, env, reply)
  const error = unanswered(after, reply === undefined ? {} : { reply })
  if (after.state === 'settled')
    env.emitter.emit('anomaly', {
      kind: 'settled_without_delivery',
      payment: after.id,
      says: 'The payment settled, and the server asked for another instead of answering.',
    })
  env.attach(error, after)
  return error
}

/** Undefined: it waits for nobody. A wallet that cannot look may have said so when it made the credential. */
function waiting(
  {
    payment,
    open,
    cause,
    reply,
  }: Examined & { readonly cause?: unknown; readonly reply?: object | undefined },
  env: Env,
): PaymentError | undefined {
  const person = open?.state === 'pending' ? open.person : undefined
  const told = isPaymentError(cause, 'action_required') ? cause : undefined
  if (payment.state !== 'committed' || (person === undefined && told === undefined)) return undefined
  const error = actionRequired(payment, person?.action ?? told?.action, reply === undefined ? {} : { reply })
  env.attach(error, payment)
  return error
}

function lost(payment: Payment, cause: unknown, env: Env): PaymentError {
  if (payment.state === 'released') return voided(payment, cause, env)
  const error = unanswered(payment, { cause })
  env.attach(error, payment)
  return error
}

function voided(payment: Payment, cause: unknown, env: Env, reply?: object): PaymentError {
  const error = provenVoid(payment, {
    ...(cause === undefined ? {} : { cause }),
    ...(reply === undefined ? {} : { reply }),
  })
  env.attach(error, payment)
  return error
}
