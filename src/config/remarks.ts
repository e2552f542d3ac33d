import { subscribe } from 'node:diagnostics_channel'
import type { Purser } from '../client/index.js'
import { clean, isPaymentError, type Reason } from '../errors/index.js'
import { resourceAt } from '../http/index.js'
import type { Resource } from '../protocol/index.js'

/** Prints a sentence for the operator of the program. */
export type Tell = (sentence: string) => void

const LONGEST = 600
/** The limit of remembered sentences, so that repeated calls do not fill the log. */
const MOST_REMEMBERED = 200
const AGAIN_MS = 60_000

/** Prints one line for each unpaid 402, with all reasons. The same line is printed at most once a minute. */
export function remarkOnUnpaid(purser: Purser, tell: Tell): void {
  const once = sparing(tell)
  purser.on('not_paid', ({ resource, reasons }) =>
    once(`${called(resource)} is not paid: ${message(reasons)}`),
  )
  purser.on('refusal', ({ resource, code, reasons }) =>
    once(`${called(resource)} is refused (${code}): ${message(reasons)}`),
  )
  purser.on('budget', ({ share, budget }) =>
    tell(`A budget (${budget.rule}) has reached ${Math.round(share * 100)} %: ${budget.message}`),
  )
  purser.on('error', ({ error, during }) => {
    if (during === 'start' && isPaymentError(error)) tell(error.message)
  })
}

/**
 * Prints one line per origin for a 402 that came to `node:http`. Such calls do not go through `fetch`, so Purser cannot
 * pay them. It only observes replies and changes nothing.
 *
 * @param payable - Tells whether the policy lists this place.
 */
export function remarkOnNodeHttp(payable: (resource: Resource) => boolean, tell: Tell): void {
  const told = new Set<string>()
  subscribe('http.client.response.finish', (message) => {
    const reply = readReply(message)
    if (reply === undefined || told.has(reply.url.origin) || told.size >= MOST_REMEMBERED) return
    const resource = resourceAt(reply.url, reply.method)
    if (!reply.offers && !payable(resource)) return
    told.add(reply.url.origin)
    tell(
      `${called(resource)} is not paid: it was called through node:http, which Purser does not serve. Call it by fetch (axios: adapter: 'fetch'; got has none: use fetch or ky)`,
    )
  })
}

interface UnpaidReply {
  readonly url: URL
  readonly method: string
  /** True if its head asks for a payment. */
  readonly offers: boolean
}

/** Reads a 402 from a message of Node's diagnostics channel; undefined for any other reply. */
function readReply(message: unknown): UnpaidReply | undefined {
  const { request, response }: { readonly request?: unknown; readonly response?: unknown } = Object(message)
  const { statusCode, headers }: { readonly statusCode?: unknown; readonly headers?: unknown } =
    Object(response)
  if (statusCode !== 402) return undefined
  const { protocol, host, path, method, getHeader }: Readonly<Record<string, unknown>> = Object(request)
  const named: unknown = typeof getHeader === 'function' ? getHeader.call(request, 'host') : undefined
  const address = `${protocol}//${named ?? host}${path}`
  if (!URL.canParse(address)) return undefined
  const { 'payment-required': required, 'www-authenticate': asked }: Readonly<Record<string, unknown>> =
    Object(headers)
  const offers = required !== undefined || /\bPayment\b/i.test(String(asked ?? ''))
  return { url: new URL(address), method: String(method), offers }
}

function called(resource: Resource | undefined): string {
  return resource === undefined ? 'A call' : clean(`${resource.operation} of ${resource.vendor}`, LONGEST)
}

function message(reasons: readonly Reason[]): string {
  const all = reasons.map((reason) => reason.message).join(' ')
  return clean(all === '' ? 'the server made no offer' : all, LONGEST)
}

/** Drops a sentence that repeats within a minute. */
function sparing(tell: Tell): Tell {
  const last = new Map<string, number>()
  return (sentence) => {
    const now = performance.now()
    if (now - (last.get(sentence) ?? -AGAIN_MS) < AGAIN_MS) return
    if (last.size >= MOST_REMEMBERED) last.clear()
    last.set(sentence, now)
    tell(sentence)
  }
}
