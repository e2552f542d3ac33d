import { clean } from '../../errors/index.js'

/**
 * Headers that only Purser or the HTTP client may set. With them, a model could replay or replace a payment, choose the
 * identity of a purchase, pose as another site, or change the framing of the message.
 */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'accept-payment',
  'connection',
  'content-length',
  'cookie',
  'cookie2',
  'expect',
  'forwarded',
  'host',
  'idempotency-key',
  'keep-alive',
  'origin',
  'payment-authorization',
  'payment-signature',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'sign-in-with-x',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-payment',
])
const FORBIDDEN_PREFIX = /^(?:sec-|x-forwarded-|x-purser-|access-control-)/
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/
const LONGEST_VALUE = 8_192
const MOST_HEADERS = 40

/**
 * Checks the headers of a tool call.
 *
 * @returns Why they are refused. Undefined if they may be sent.
 */
export function headerProblem(headers: Readonly<Record<string, string>>): string | undefined {
  const entries = Object.entries(headers)
  if (entries.length > MOST_HEADERS) return `at most ${MOST_HEADERS} headers can be sent`
  for (const [given, value] of entries) {
    const name = given.toLowerCase()
    if (!NAME.test(name)) return `${clean(given, 60)} is not the name of a header`
    if (FORBIDDEN.has(name) || FORBIDDEN_PREFIX.test(name))
      return `the header ${name} cannot be set by a tool call`
    if (name === 'authorization' && /^\s*(?:payment|l402|lsat)\b/i.test(value))
      return 'a payment cannot be given in the authorization header: Purser makes payments itself'
    if (value.length > LONGEST_VALUE || /[^\t\x20-\x7e\x80-\xff]/.test(value))
      return `the value of the header ${name} is too long, or has characters that a header cannot have`
  }
  return undefined
}
