import { isPaymentError, PaymentError, PaymentRefusedError } from '../errors/index.js'
import type { Payment } from '../ledger/index.js'
import type { Challenge, ReplyInfo } from '../protocol/index.js'
import { own } from '../util/objects.js'
import type { QueuePlace } from '../util/queue.js'
import { untilAborted } from '../util/until-aborted.js'
import { authorize } from './authorize/authorize.js'
import { tryAuthorize } from './authorize/replacement.js'
import { noteServerTime } from './authorize/server-time.js'
import { type Delivery, deliver, GRACE_MS, takeBackDelivery, unansweredError } from './deliver.js'
import type { CallContext } from './env.js'
import type { Exchange } from './exchange.js'
import { fingerprintOf, type OfferPurchase } from './purchase.js'
import { type Adoption, adopt } from './recovery/adopt.js'
import { abandonUnsent } from './recovery/inspection.js'
import { reasonOf, refused } from './refusal.js'
import { followStream } from './stream.js'

type PaymentRequired = Extract<ReplyInfo, { kind: 'payment-required' }>

/**
 * Pays for a reply that asks for money: authorizes a payment, submits its credential, and settles it by the answer.
 *
 * @returns The paid reply.
 * @throws PaymentRefusedError before anything was sent; PaymentError if a credential left and no answer came.
 */
export async function runPurchase<Reply extends object>(
  exchange: Exchange<Reply>,
  asked: PaymentRequired,
  context: CallContext,
): Promise<Reply> {
  const { env } = context
  noteServerTime(asked, env)
  const place = env.queues.place()
  try {
    await env.yieldToEventLoop()
    return await finish(await purchaseOf(exchange, asked, { ...context, place }))
  } finally {
    // The head of the answer is here, so the next payment on this lane need not wait for the body.
    place.leave()
  }
}

/**
 * Pays with the first request, by a challenge that an open session remembers: one round trip instead of two.
 *
 * @returns Undefined if this must not be paid now: nothing was sent.
 * @throws PaymentError if a credential left and no answer came.
 */
export async function runUpfrontPurchase<Reply extends object>(
  exchange: Exchange<Reply>,
  offer: Challenge,
  context: CallContext,
): Promise<{ readonly reply: Reply } | undefined> {
  const place = context.env.queues.place()
  try {
    const asked = { at: exchange.resource, offers: [offer] }
    const purchase = await unlessRefused(purchaseOf(exchange, asked, { ...context, place }))
    if (purchase === undefined) return undefined
    const result = await tryAuthorize({ ...purchase, payingUpfront: true })
    if (result?.kind !== 'authorized') return undefined
    return { reply: await finish(purchase, await deliver(result.authorized, purchase)) }
  } finally {
    place.leave()
  }
}

async function purchaseOf<Reply>(
  exchange: Exchange<Reply>,
  { at, offers }: Pick<PaymentRequired, 'at' | 'offers'>,
  context: CallContext & { readonly place: QueuePlace },
): Promise<OfferPurchase<Reply>> {
  const { call, env, place } = context
  const fingerprint = await fingerprintFor(exchange, context)
  return own({
    kind: 'offers' as const,
    exchange,
    at,
    offers,
    fingerprint,
    call,
    env,
    place,
    usedUp: new Set(),
  })
}

/** @throws PaymentRefusedError if the request cannot be sent a second time. Nothing was signed for it. */
async function fingerprintFor<Reply>(exchange: Exchange<Reply>, { call }: CallContext): Promise<string> {
  try {
    return fingerprintOf(call, await untilAborted(exchange.fingerprint(), call.signal))
  } catch (error) {
    if (!isPaymentError(error, 'not_replayable')) throw error
    throw refused([reasonOf(error)], { code: error.code, cause: error })
  }
}

/** Undefined if it was refused: a request that cannot be sent again is first sent unpaid. */
async function unlessRefused<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof PaymentRefusedError) return undefined
    throw error
  }
}

/**
 * The loop of a purchase: it pays, or continues an earlier payment of the same purchase, until a reply is there.
 *
 * @param delivered The result of a payment that was delivered already.
 */
async function finish<Reply extends object>(
  first: OfferPurchase<Reply>,
  delivered?: Delivery<Reply>,
): Promise<Reply> {
  let purchase = first
  let result = delivered ?? (await payOnce(purchase))
  while (result.kind !== 'answered') {
    if (result.kind === 'restart') purchase = { ...purchase, at: result.at, offers: result.offers }
    result = await payOnce(purchase)
  }
  if (result.stream !== undefined) void followStream(result.stream, purchase)
  return result.reply
}

/**
 * Makes one payment, or continues an earlier one of the same purchase. `gone`: the earlier one is not in the way any
 * more.
 */
async function payOnce<Reply extends object>(
  purchase: OfferPurchase<Reply>,
): Promise<Delivery<Reply> | Extract<Adoption<Reply>, { kind: 'gone' }>> {
  const result = await authorize(purchase)
  if (result.kind === 'authorized') return deliver(result.authorized, purchase)
  if (result.kind === 'wait')
    throw new PaymentError('busy', 'untouched', 'A wallet asked to wait for a payment that does not exist')
  const { by } = result
  return purchase.env.locks.call(by.id, async () => {
    const adoption = await adoptWhileWaiting(by, purchase)
    return adoption.kind === 'authorized' ? deliver(adoption.authorized, purchase) : adoption
  })
}

/** Waits for an earlier payment only as long as the caller does. */
function adoptWhileWaiting<Reply extends object>(
  by: Payment,
  purchase: OfferPurchase<Reply>,
): Promise<Adoption<Reply>> {
  const { env, call } = purchase
  const adopting = env.locks.free(by.id).then(() => adopt(by, purchase))
  return untilAborted(adopting, call.signal, {
    graceMs: GRACE_MS,
    // The credential of a payment with attempts may have been sent again.
    reason: () =>
      by.attempts.length === 0 ? call.signal?.reason : unansweredError(by, call.signal?.reason, env),
    onLate: (adoption) => {
      if (adoption.kind === 'answered') void takeBackDelivery(adoption.reply, by.id, purchase)
      if (adoption.kind === 'authorized') void abandonUnsent(adoption.authorized, env)
    },
  })
}
