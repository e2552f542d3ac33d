import pRetry from 'p-retry'
import { PaymentError } from '../../errors/index.js'
import type { Evidence } from '../../ledger/index.js'
import type { Credential, ReplyInfo } from '../../protocol/index.js'
import { own } from '../../util/objects.js'
import { untilAborted } from '../../util/until-aborted.js'
import type { Completed, PendingAction } from '../../wallet/index.js'
import type { AuthorizedPayment } from '../authorize/purchase.js'
import type { Call, Env } from '../env.js'
import type { Exchange } from '../exchange.js'
import { notifyRejected } from '../settle/rejected-credential.js'
import { tryTransition } from '../transition.js'
import type { LiveCredential } from './live-credentials.js'

/** What came back after a credential left. */
export type Submission<Reply> =
  | { readonly kind: 'reply'; readonly reply: Reply; readonly reading: ReplyInfo }
  | { readonly kind: 'lost'; readonly cause: unknown }

/** The same credential is sent at most this often. */
const SENDS = 3
const FIRST_PAUSE_MS = 200
/** A server that asks for more patience than this gets its answer handed on instead. */
const LONGEST_PAUSE_MS = 10_000
/** For wallets that do not say how long a credential lives. */
const DEFAULT_LIFE_MS = 30_000

/**
 * The side effect, and then the credential on its way: after the first line money may move. Whatever goes wrong is
 * told, not thrown: the caller decides by evidence.
 */
export async function submit<Reply>(
  exchange: Exchange<Reply>,
  authorized: AuthorizedPayment,
  call: Call,
  env: Env,
): Promise<{
  readonly presented: Submission<Reply>
  readonly evidence: Evidence
  readonly sent?: LiveCredential
}> {
  let evidence = authorized.attempt.evidence
  try {
    call.signal?.throwIfAborted()
    const completing = authorized.prepared.complete(async (credential) => {
      const reading = await sendAlone(exchange, credential, call)
      await notifyRejected(reading, authorized, authorized.attempt.evidence, env)
      return reading
    })
    const completed = own(
      await untilAborted(completing, call.signal, {
        onLate: (value) => void recordLateCompletion(own(value), authorized, call, env),
      }),
    )
    evidence = completed.evidence ?? evidence
    const sent = await recordCompletion(completed, authorized, call, env)
    deals.set(sent, authorized)
    if (completed.pendingAction !== undefined)
      await waitForPerson(own(completed.pendingAction), authorized, call, env)
    env.liveCredentials.put(authorized.payment, sent, env.clock.now())
    return { presented: await sendCredential(exchange, sent, call, env), evidence, sent }
  } catch (cause) {
    return { presented: { kind: 'lost', cause }, evidence }
  }
}

/** What a credential was made for, as long as it may be sent again: its answer may have to be paid on. */
export function authorizedPaymentOf(sent: LiveCredential): AuthorizedPayment | undefined {
  return deals.get(sent)
}

const deals = new WeakMap<LiveCredential, AuthorizedPayment>()

/**
 * Writes down what the side effect brought, durably, before the credential leaves.
 *
 * @throws PaymentError if it cannot be written down: somebody else has proven the attempt void, or gone on with another
 * one. What is not on record does not leave.
 */
async function recordCompletion(
  { credential, evidence, goodUntil }: Completed,
  { payment, committed, prepared, candidate }: AuthorizedPayment,
  call: Call,
  env: Env,
): Promise<LiveCredential> {
  const attempt = committed.attempts.length - 1
  const learned = evidence && (await tryTransition(payment, { to: 'evidence', evidence, attempt }, env))
  if (learned?.ok === false)
    throw new PaymentError(
      'wallet_failed',
      'untouched',
      'The payment was given up before its credential was ready',
    )
  return {
    credential,
    key: call.key ?? payment,
    goodUntil: goodUntil ?? candidate.quote.challenge.expires ?? env.clock.now() + DEFAULT_LIFE_MS,
    ...(prepared.nextLaneValue === undefined ? {} : { nextLaneValue: prepared.nextLaneValue }),
  }
}

/**
 * It is on record by now, so a process that dies while a person thinks forgets nothing.
 *
 * @throws PaymentError `action_required` where nobody acted.
 */
async function waitForPerson(
  { action, waitForPerson: ask }: PendingAction,
  authorized: AuthorizedPayment,
  { signal }: Call,
  env: Env,
): Promise<void> {
  try {
    if (ask !== undefined && (await untilAborted(ask(), signal))) return
  } catch (error) {
    signal?.throwIfAborted()
    env.emitter.emit('error', { error, during: 'action' })
  }
  throw new PaymentError('action_required', 'committed', 'A person must act before this payment can go on', {
    paymentId: authorized.payment,
    ...(action === undefined ? {} : { action }),
  })
}

/** Its caller has gone: not sent now, but the same credential is there for whoever asks for the same again. */
async function recordLateCompletion(
  completed: Completed,
  authorized: AuthorizedPayment,
  call: Call,
  env: Env,
): Promise<void> {
  try {
    const sent = await recordCompletion(completed, authorized, call, env)
    if (completed.pendingAction === undefined)
      env.liveCredentials.put(authorized.payment, sent, env.clock.now())
  } catch (error) {
    env.emitter.emit('error', { error, during: 'complete' })
  }
}

/** A credential on its own, such as a top-up: without the request, where the transport can. */
async function sendAlone<Reply>(
  exchange: Exchange<Reply>,
  credential: Credential,
  { signal }: Call,
): Promise<ReplyInfo> {
  signal?.throwIfAborted()
  if (exchange.sendAside !== undefined) return exchange.sendAside(credential, signal)
  const reply = await exchange.send(own({ credential }))
  const reading = await exchange.read(reply)
  exchange.discard(reply)
  return reading
}

/** Thrown inside the retry loop only: the server said when to come back. */
class RetryLater extends Error {
  readonly pauseMs: number
  constructor(pauseMs: number) {
    super('come back later')
    this.pauseMs = pauseMs
  }
}

/** Sends one credential, and the very same again when the network failed, while it can still be accepted. */
export async function sendCredential<Reply>(
  exchange: Exchange<Reply>,
  sent: LiveCredential,
  call: Call,
  env: Env,
): Promise<Submission<Reply>> {
  const leg = own({
    credential: sent.credential,
    idempotencyKey: sent.key,
    ...(call.signal ? { signal: call.signal } : {}),
  })
  const send = async (attempt: number): Promise<Submission<Reply>> => {
    call.signal?.throwIfAborted()
    const reply = await exchange.send(leg)
    const reading = await exchange.read(reply)
    call.signal?.throwIfAborted()
    const pause = pauseOf(reading, env, sent)
    if (pause === undefined || attempt >= SENDS) return { kind: 'reply', reply, reading }
    exchange.discard(reply)
    throw new RetryLater(pause)
  }
  try {
    return await send(1)
  } catch (failure) {
    return sendAgain(send, failure, { exchange, sent, call, env })
  }
}

interface Sending<Reply> {
  readonly exchange: Exchange<Reply>
  readonly sent: LiveCredential
  readonly call: Call
  readonly env: Env
}

/** Retrying is set up only when the first send failed, and takes that failure for its own first try. */
async function sendAgain<Reply>(
  send: (attempt: number) => Promise<Submission<Reply>>,
  failure: unknown,
  { exchange, sent, call, env }: Sending<Reply>,
): Promise<Submission<Reply>> {
  const again = (attempt: number) => (attempt === 1 ? Promise.reject(failure) : send(attempt))
  try {
    return await pRetry(again, {
      retries: SENDS - 1,
      minTimeout: FIRST_PAUSE_MS,
      randomize: true,
      ...(call.signal ? { signal: call.signal } : {}),
      shouldRetry: ({ error }) =>
        call.signal?.aborted !== true &&
        !(error instanceof PaymentError) &&
        // A server that said when to come back has done nothing yet. What a lost connection did, nobody knows.
        (exchange.repeatable !== false || error instanceof RetryLater) &&
        env.clock.now() < sent.goodUntil,
      onFailedAttempt: async ({ error }) => {
        if (error instanceof RetryLater) await env.sleep(error.pauseMs, call.signal)
      },
    })
  } catch (cause) {
    return { kind: 'lost', cause }
  }
}

/** How long the server asks us to wait before the same credential is sent again, if that is worth waiting for. */
function pauseOf(reading: ReplyInfo, env: Env, sent: LiveCredential): number | undefined {
  if (reading.kind !== 'response' || reading.retryAt === undefined || reading.receipt !== undefined)
    return undefined
  if (reading.status !== 429 && reading.status !== 503) return undefined
  const pause = Math.max(0, reading.retryAt - env.clock.now())
  return pause <= LONGEST_PAUSE_MS && reading.retryAt < sent.goodUntil ? pause : undefined
}
