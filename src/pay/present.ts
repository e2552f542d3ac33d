import pRetry from 'p-retry'
import { own, PaymentError } from '../errors/index.js'
import type { Evidence } from '../ledger/index.js'
import type { Credential, Reading } from '../protocol/index.js'
import type { Completed, Waiting } from '../wallet/index.js'
import type { Deal } from './case.js'
import type { Call, Env } from './env.js'
import type { Exchange } from './exchange.js'
import { heed } from './heed.js'
import { tellNotTaken } from './not-taken.js'
import type { Sent } from './sent.js'

/** What came back after a credential left. */
export type Presented<Reply> =
  | { readonly kind: 'reply'; readonly reply: Reply; readonly reading: Reading }
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
export async function present<Reply>(
  exchange: Exchange<Reply>,
  deal: Deal,
  call: Call,
  env: Env,
): Promise<{ readonly presented: Presented<Reply>; readonly evidence: Evidence; readonly sent?: Sent }> {
  let evidence = deal.attempt.evidence
  try {
    call.signal?.throwIfAborted()
    const completing = deal.prepared.complete(async (credential) => {
      const reading = await hand(exchange, credential, call)
      await tellNotTaken(reading, deal, deal.attempt.evidence, env)
      return reading
    })
    const completed = own(
      await heed(completing, call.signal, { late: (value) => void learnLate(own(value), deal, call, env) }),
    )
    evidence = completed.evidence ?? evidence
    const sent = await learn(completed, deal, call, env)
    deals.set(sent, deal)
    if (completed.waits !== undefined) await acted(own(completed.waits), deal, call, env)
    env.sent.put(deal.payment, sent, env.clock.now())
    return { presented: await transmit(exchange, sent, call, env), evidence, sent }
  } catch (cause) {
    return { presented: { kind: 'lost', cause }, evidence }
  }
}

/** What a credential was made for, as long as it may be sent again: its answer may have to be paid on. */
export function dealOf(sent: Sent): Deal | undefined {
  return deals.get(sent)
}

const deals = new WeakMap<Sent, Deal>()

/**
 * Writes down what the side effect brought, durably, before the credential leaves.
 *
 * @throws PaymentError if it cannot be written down: somebody else has proven the attempt void, or gone on with another
 * one. What is not on record does not leave.
 */
async function learn(
  { credential, evidence, goodUntil }: Completed,
  { payment, committed, prepared, candidate }: Deal,
  call: Call,
  env: Env,
): Promise<Sent> {
  const attempt = committed.attempts.length - 1
  const learned = evidence && (await env.ledger.advance(payment, { to: 'evidence', evidence, attempt }))
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
    ...(prepared.laneNext === undefined ? {} : { laneNext: prepared.laneNext }),
  }
}

/**
 * It is on record by now, so a process that dies while a person thinks forgets nothing.
 *
 * @throws PaymentError `action_required` where nobody acted.
 */
async function acted({ action, acted: ask }: Waiting, deal: Deal, { signal }: Call, env: Env): Promise<void> {
  try {
    if (ask !== undefined && (await heed(ask(), signal))) return
  } catch (error) {
    signal?.throwIfAborted()
    env.emitter.emit('error', { error, during: 'action' })
  }
  throw new PaymentError('action_required', 'committed', 'A person must act before this payment can go on', {
    paymentId: deal.payment,
    ...(action === undefined ? {} : { action }),
  })
}

/** Its caller has gone: not sent now, but the same credential is there for whoever asks for the same again. */
async function learnLate(completed: Completed, deal: Deal, call: Call, env: Env): Promise<void> {
  try {
    const sent = await learn(completed, deal, call, env)
    if (completed.waits === undefined) env.sent.put(deal.payment, sent, env.clock.now())
  } catch (error) {
    env.emitter.emit('error', { error, during: 'complete' })
  }
}

/** A credential on its own, such as a top-up: without the request, where the transport can. */
async function hand<Reply>(
  exchange: Exchange<Reply>,
  credential: Credential,
  { signal }: Call,
): Promise<Reading> {
  signal?.throwIfAborted()
  if (exchange.notify !== undefined) return exchange.notify(credential, signal)
  const reply = await exchange.send(own({ credential }))
  const reading = await exchange.read(reply)
  exchange.drop(reply)
  return reading
}

/** Thrown inside the retry loop only: the server said when to come back. */
class ComeBack extends Error {
  readonly pauseMs: number
  constructor(pauseMs: number) {
    super('come back later')
    this.pauseMs = pauseMs
  }
}

/** Sends one credential, and the very same again when the network failed, while it can still be accepted. */
export async function transmit<Reply>(
  exchange: Exchange<Reply>,
  sent: Sent,
  call: Call,
  env: Env,
): Promise<Presented<Reply>> {
  const leg = own({
    credential: sent.credential,
    idempotencyKey: sent.key,
    ...(call.signal ? { signal: call.signal } : {}),
  })
  const send = async (attempt: number): Promise<Presented<Reply>> => {
    call.signal?.throwIfAborted()
    const reply = await exchange.send(leg)
    const reading = await exchange.read(reply)
    call.signal?.throwIfAborted()
    const pause = pauseOf(reading, env, sent)
    if (pause === undefined || attempt >= SENDS) return { kind: 'reply', reply, reading }
    exchange.drop(reply)
    throw new ComeBack(pause)
  }
  try {
    return await send(1)
  } catch (failure) {
    return sendAgain(send, failure, { exchange, sent, call, env })
  }
}

interface Sending<Reply> {
  readonly exchange: Exchange<Reply>
  readonly sent: Sent
  readonly call: Call
  readonly env: Env
}

/** Retrying is set up only when the first send failed, and takes that failure for its own first try. */
async function sendAgain<Reply>(
  send: (attempt: number) => Promise<Presented<Reply>>,
  failure: unknown,
  { exchange, sent, call, env }: Sending<Reply>,
): Promise<Presented<Reply>> {
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
        (exchange.repeatable !== false || error instanceof ComeBack) &&
        env.clock.now() < sent.goodUntil,
      onFailedAttempt: async ({ error }) => {
        if (error instanceof ComeBack) await env.sleep(error.pauseMs, call.signal)
      },
    })
  } catch (cause) {
    return { kind: 'lost', cause }
  }
}

/** How long the server asks us to wait before the same credential is sent again, if that is worth waiting for. */
function pauseOf(reading: Reading, env: Env, sent: Sent): number | undefined {
  if (reading.kind !== 'answers' || reading.retryAt === undefined || reading.receipt !== undefined)
    return undefined
  if (reading.status !== 429 && reading.status !== 503) return undefined
  const pause = Math.max(0, reading.retryAt - env.clock.now())
  return pause <= LONGEST_PAUSE_MS && reading.retryAt < sent.goodUntil ? pause : undefined
}
