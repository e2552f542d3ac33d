import pRetry from 'p-retry'
import { clean } from '../errors/index.js'
import type { FetchLike } from '../fetch/index.js'
import { drainBody, readText } from '../protocol/index.js'

/** One attempt takes at most this long, in milliseconds. */
export const ATTEMPT_MS = 10_000
const RETRIES = 3
const FIRST_PAUSE_MS = 500
/** The most that is read of an answer. */
const ANSWER = { bytes: 16 * 1024, patienceMs: ATTEMPT_MS } as const

/** A message that was not delivered. Its sentence names no secret: the address of a service may be one. */
export class NotDelivered extends Error {
  override readonly name = 'NotDeliveredError'
  /** Whether another attempt may succeed. */
  readonly again: boolean

  constructor(sentence: string, again: boolean) {
    super(sentence)
    this.again = again
  }
}

/** One request, and how it is sent. */
export interface Sending {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly fetch: FetchLike
  readonly signal: AbortSignal
  /** How long one attempt may take, in milliseconds. @default 10000 */
  readonly patienceMs?: number | undefined
}

/** An answer with a status of 2xx. Undefined: its body was too long, or broke off. */
export interface Received {
  readonly status: number
  readonly headers: Headers
  readonly text: string | undefined
}

/**
 * Posts a message as JSON. It is posted again after a failure of the network, and after a status that says that the
 * service is busy or broken.
 *
 * @throws NotDelivered
 */
export function post(sending: Sending): Promise<Received> {
  return pRetry(() => postOnce(sending), {
    retries: RETRIES,
    minTimeout: FIRST_PAUSE_MS,
    factor: 3,
    randomize: true,
    // Only the work of the program keeps it alive.
    unref: true,
    signal: sending.signal,
    shouldRetry: ({ error }) => error instanceof NotDelivered && error.again,
  })
}

async function postOnce({
  url,
  headers,
  body,
  fetch,
  signal,
  patienceMs = ATTEMPT_MS,
}: Sending): Promise<Received> {
  const late = AbortSignal.timeout(patienceMs)
  let reply: Response
  try {
    reply = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      // A message is for the address that its owner wrote, and for no other one.
      redirect: 'manual',
      signal: AbortSignal.any([signal, late]),
    })
  } catch {
    // The error is dropped, because it may quote the address.
    if (signal.aborted) throw new NotDelivered('it was given up, because the purser closed', false)
    throw new NotDelivered(
      late.aborted ? 'it did not answer in time' : 'it could not be reached',
      patienceMs === ATTEMPT_MS,
    )
  }
  if (!reply.ok) {
    await drainBody(reply, ANSWER)
    throw notTaken(reply.status)
  }
  const read = await readText(reply, ANSWER, signal)
  return {
    status: reply.status,
    headers: reply.headers,
    text: 'text' in read ? read.text : undefined,
  }
}

function notTaken(status: number): NotDelivered {
  const isRedirect = status === 0 || (status >= 300 && status < 400)
  if (isRedirect) return new NotDelivered('it answered with a redirect, which is not followed', false)
  return new NotDelivered(`it answered ${status}`, status === 429 || status === 408 || status >= 500)
}

/** The sentence of a failure, for people. */
export function sentenceOf(error: unknown): string {
  return error instanceof NotDelivered ? clean(error.message, 300) : 'it failed'
}
