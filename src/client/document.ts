import type { FetchLike } from '../fetch/index.js'
import { isConfidential } from '../http/index.js'
import { type JsonObject, parseJsonObject, readText, type Unread } from '../protocol/index.js'
import { untilAborted } from '../util/until-aborted.js'

/** A document of a server, or the reason why it could not be read. */
export type Fetched =
  | { readonly document: JsonObject; readonly maxAgeMs?: number }
  | { readonly problem: string }

const MOST_BYTES = 1024 * 1024
const DEPTH = 64
const PATIENCE_MS = 10_000
const MOST_REDIRECTS = 3

const UNREAD: Readonly<Record<Unread, string>> = {
  long: 'it is longer than 1 MB',
  late: 'it took too long',
  broken: 'it could not be read',
}

/**
 * Reads a JSON document with the fetch below the purser: without a credential, within limits of size and time, and
 * only from the requested origin.
 *
 * @throws The reason of the caller's abort, and nothing else.
 */
export async function fetchDocument(url: URL, fetch: FetchLike, caller?: AbortSignal): Promise<Fetched> {
  const late = AbortSignal.timeout(PATIENCE_MS)
  const signal = caller === undefined ? late : AbortSignal.any([caller, late])
  try {
    return await untilAborted(follow(url, fetch, signal), signal)
  } catch {
    caller?.throwIfAborted()
    return { problem: late.aborted ? 'it took too long' : 'it could not be read' }
  }
}

async function follow(first: URL, fetch: FetchLike, signal: AbortSignal): Promise<Fetched> {
  let url = first
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    const reply = await fetch(url.href, {
      headers: { accept: 'application/json' },
      credentials: 'omit',
      redirect: 'manual',
      signal,
    })
    const to = redirectOf(reply, url)
    if (to === undefined) return readReply(reply, signal)
    await reply.body?.cancel()
    if (to === 'elsewhere') return { problem: 'it was redirected to another origin' }
    url = to
  }
  return { problem: 'it was redirected too often' }
}

/** Returns the target of a redirect. Browsers hide it. */
function redirectOf(reply: Response, from: URL): URL | 'elsewhere' | undefined {
  if (reply.type === 'opaqueredirect') return 'elsewhere'
  const to = reply.headers.get('location')
  if (reply.status < 300 || reply.status > 399 || to === null) return undefined
  if (!URL.canParse(to, from)) return 'elsewhere'
  const url = new URL(to, from)
  return url.origin === from.origin && isConfidential(url) ? url : 'elsewhere'
}

async function readReply(reply: Response, signal: AbortSignal): Promise<Fetched> {
  if (reply.status !== 200) {
    await reply.body?.cancel()
    return { problem: `the server answered ${reply.status}` }
  }
  const said = await readText(reply, { bytes: MOST_BYTES, patienceMs: PATIENCE_MS }, signal)
  signal.throwIfAborted()
  if ('unread' in said) return { problem: UNREAD[said.unread] }
  const maxAgeMs = maxAgeOf(reply.headers.get('cache-control'))
  try {
    const document = parseJsonObject(said.text, { length: MOST_BYTES, depth: DEPTH })
    return { document, ...(maxAgeMs === undefined ? {} : { maxAgeMs }) }
  } catch {
    return { problem: 'it is not an object of JSON' }
  }
}

/** RFC 9111, section 5.2.2.1. */
function maxAgeOf(header: string | null): number | undefined {
  if (header === null) return undefined
  if (/\bno-(?:store|cache)\b/i.test(header)) return 0
  const seconds = /\bmax-age=(\d{1,9})\b/i.exec(header)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1000
}
