import pRetry from 'p-retry'
import { PaymentError } from '../errors/index.js'
import type { Credential, ReplyInfo } from '../protocol/index.js'
import { own } from '../util/objects.js'
import { untilAborted } from '../util/until-aborted.js'
import type { Completed, PendingAction } from '../wallet/index.js'
import type { CallContext, Env } from './env.js'
import type { Exchange } from './exchange.js'
import type { LiveCredential } from './process-state.js'
import type { Answer, AuthorizedPayment, OfferPurchase, SubmittedCredential } from './purchase.js'
import { notifyRejected } from './rejection.js'
import { tryTransition } from './transition.js'

/** The same credential is sent at most this often. */
const SENDS = 3
const FIRST_PAUSE_MS = 200
/** If a server asks for a longer pause, its answer goes to the caller. */
const LONGEST_PAUSE_MS = 10_000
/** For wallets that do not say how long a credential lives. */
const DEFAULT_LIFE_MS = 30_000

/**
 * Completes the credential and sends it. From the first line on money may move, so a failure is returned and not
 * thrown: the evidence then decides what the payment counts for.
 */
export async function submit<Reply>(
  authorized: AuthorizedPayment,
  purchase: OfferPurchase<Reply>,
): Promise<SubmittedCredential<Reply>> {
  const { env, call, exchange } = purchase
  let { evidence } = authorized.attempt
  try {
    call.signal?.throwIfAborted()
    const completing = authorized.prepared.complete(async (credential) => {
      const reading = await sendAlone(credential, purchase)
      await notifyRejected(reading, { authorized, evidence: authorized.attempt.evidence }, env)
      return reading
    })
    const completed = own(
      await untilAborted(completing, call.signal, {
        onLate: (value) => void recordLateCompletion(own(value), authorized, purchase),
      }),
    )
    evidence = completed.evidence ?? evidence
    const sent = await recordCompletion(completed, authorized, purchase)
    authorizedBy.set(sent, authorized)
    if (completed.pendingAction !== undefined)
      await waitForPerson(own(completed.pendingAction), authorized, purchase)
    env.liveCredentials.put(authorized.payment, sent, env.clock.now())
    return { authorized, evidence, sent, answer: await sendCredential(exchange, sent, purchase) }
  } catch (cause) {
    return { authorized, evidence, answer: { kind: 'lost', cause } }
  }
}

/**
 * If the answer is paid for while it is read, returns it as a metered one. Only a running total can be raised for it.
 */
export async function meter<Reply>(
  submitted: SubmittedCredential<Reply>,
  exchange: Exchange<Reply>,
): Promise<SubmittedCredential<Reply>> {
  const { answer, authorized } = submitted
  if (answer.kind === 'lost' || answer.reading.kind !== 'response') return submitted
  if (!answer.reading.ok || authorized.prepared.signedTotal === undefined) return submitted
  const metered = await exchange.metered?.(answer.reply)
  return metered === undefined
    ? submitted
    : { ...submitted, answer: { ...answer, reply: metered.reply }, metered }
}

/** The payment that a live credential was made for. */
export function authorizedPaymentOf(sent: LiveCredential): AuthorizedPayment | undefined {
  return authorizedBy.get(sent)
}

const authorizedBy = new WeakMap<LiveCredential, AuthorizedPayment>()

/**
 * Records what the completion brought, durably, before the credential leaves.
 *
 * @throws PaymentError if it cannot be recorded, because another process has proven the attempt void or made another
 * one. A credential that is not on record does not leave.
 */
async function recordCompletion(
  { credential, evidence, goodUntil }: Completed,
  { payment, committed, prepared, candidate }: AuthorizedPayment,
  { call, env }: CallContext,
): Promise<LiveCredential> {
  const attempt = committed.attempts.length - 1
  const learned = evidence && (await tryTransition(payment, { to: 'evidence', evidence, attempt }, env))
  if (learned?.ok === false)
    throw new PaymentError(
      'wallet_failed',
      'untouched',
      'The payment was given up before its credential was ready',
    )
  return own({
    credential,
    key: call.key ?? payment,
    goodUntil: goodUntil ?? candidate.quote.challenge.expires ?? env.clock.now() + DEFAULT_LIFE_MS,
    nextLaneValue: prepared.nextLaneValue,
  })
}

/**
 * Waits until a person has acted. The payment is on record by now, so a process that ends meanwhile forgets nothing.
 *
 * @throws PaymentError `action_required` if the person did not act.
 */
async function waitForPerson(
  { action, waitForPerson: acted }: PendingAction,
  { payment: paymentId }: AuthorizedPayment,
  { call: { signal }, env }: CallContext,
): Promise<void> {
  try {
    if (acted !== undefined && (await untilAborted(acted(), signal))) return
  } catch (error) {
    signal?.throwIfAborted()
    env.emitter.emit('error', { error, during: 'action' })
  }
  const message = 'A person must act before this payment can go on'
  throw new PaymentError('action_required', 'committed', message, { paymentId, action })
}

/** The caller has left, so the credential is not sent. It is kept for the next call of the same purchase. */
async function recordLateCompletion(
  completed: Completed,
  authorized: AuthorizedPayment,
  context: CallContext,
): Promise<void> {
  const { env } = context
  try {
    const sent = await recordCompletion(completed, authorized, context)
    if (completed.pendingAction === undefined)
      env.liveCredentials.put(authorized.payment, sent, env.clock.now())
  } catch (error) {
    env.emitter.emit('error', { error, during: 'complete' })
  }
}

/** Sends a credential without the request, such as one for a top-up, if the transport can. */
async function sendAlone(
  credential: Credential,
  { exchange, call: { signal } }: OfferPurchase,
): Promise<ReplyInfo> {
  signal?.throwIfAborted()
  if (exchange.sendAside !== undefined) return exchange.sendAside(credential, signal)
  const reply = await exchange.send(own({ credential }))
  const reading = await exchange.read(reply)
  exchange.discard(reply)
  return reading
}

/** Thrown only inside the retry loop: the server said when to send the credential again. */
class RetryLater extends Error {
  readonly pauseMs: number
  constructor(pauseMs: number) {
    super('come back later')
    this.pauseMs = pauseMs
  }
}

/** Sends one credential. Sends the same one again if the network failed and the credential can still be accepted. */
export async function sendCredential<Reply>(
  exchange: Exchange<Reply>,
  sent: LiveCredential,
  context: CallContext,
): Promise<Answer<Reply>> {
  const { call, env } = context
  const options = own({ credential: sent.credential, idempotencyKey: sent.key, signal: call.signal })
  const send = async (attempt: number): Promise<Answer<Reply>> => {
    call.signal?.throwIfAborted()
    const reply = await exchange.send(options)
    const reading = await exchange.read(reply)
    call.signal?.throwIfAborted()
    const pauseMs = pauseOf(reading, sent, env)
    if (pauseMs === undefined || attempt >= SENDS) return { kind: 'reply', reply, reading }
    exchange.discard(reply)
    throw new RetryLater(pauseMs)
  }
  try {
    return await send(1)
  } catch (failure) {
    // What a lost connection did is unknown. A server that asked for a pause has done nothing yet.
    const maySend = (error: unknown): boolean =>
      call.signal?.aborted !== true &&
      !(error instanceof PaymentError) &&
      (exchange.repeatable !== false || error instanceof RetryLater) &&
      env.clock.now() < sent.goodUntil
    return sendAgain((attempt) => (attempt === 1 ? Promise.reject(failure) : send(attempt)), maySend, context)
  }
}

/** Retries are set up only after the first send has failed, and count that failure as their own first try. */
async function sendAgain<Reply>(
  send: (attempt: number) => Promise<Answer<Reply>>,
  maySend: (error: unknown) => boolean,
  { call, env }: CallContext,
): Promise<Answer<Reply>> {
  try {
    return await pRetry(send, {
      retries: SENDS - 1,
      minTimeout: FIRST_PAUSE_MS,
      randomize: true,
      ...(call.signal ? { signal: call.signal } : {}),
      shouldRetry: ({ error }) => maySend(error),
      onFailedAttempt: async ({ error }) => {
        if (error instanceof RetryLater) await env.sleep(error.pauseMs, call.signal)
      },
    })
  } catch (cause) {
    return { kind: 'lost', cause }
  }
}

/**
 * How long the server asks to wait before the same credential is sent again. Undefined if Purser does not wait so long.
 */
function pauseOf(reading: ReplyInfo, sent: LiveCredential, env: Env): number | undefined {
  if (reading.kind !== 'response' || reading.retryAt === undefined || reading.receipt !== undefined)
    return undefined
  if (reading.status !== 429 && reading.status !== 503) return undefined
  const pause = Math.max(0, reading.retryAt - env.clock.now())
  return pause <= LONGEST_PAUSE_MS && reading.retryAt < sent.goodUntil ? pause : undefined
}
