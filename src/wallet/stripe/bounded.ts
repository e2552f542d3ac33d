import { readBody, type Unread } from '../../protocol/index.js'

/** The size limit of an answer. A token has a few kilobytes. */
const MOST_BYTES = 1024 * 1024
const PATIENCE_MS = 15_000

const SAYS: Readonly<Record<Unread, string>> = {
  long: 'Stripe answered with more than 1 MiB.',
  late: 'Stripe did not finish its answer in time.',
  broken: 'An answer of Stripe broke off.',
}

/**
 * A `fetch` for a client that reads every body to its end: this function reads the body within a limit first.
 *
 * @throws TypeError as `fetch` does for a network failure: the result of the request is unknown.
 */
export async function boundedFetch(...[input, init]: Parameters<typeof globalThis.fetch>): Promise<Response> {
  const reply = await globalThis.fetch(input, init)
  const limits = { bytes: MOST_BYTES, patienceMs: PATIENCE_MS }
  const bytes = await readBody(reply, limits, init?.signal ?? undefined)
  if (typeof bytes === 'string') throw new TypeError(SAYS[bytes])
  const { status, statusText, headers } = reply
  return new Response(bytes.byteLength === 0 ? null : bytes, { status, statusText, headers })
}
