import { clean } from '../errors/index.js'
import type { Instant } from '../money/index.js'
import { defined, isObject, own } from '../util/objects.js'
import { type AuthChallenge, readAuthChallenges } from './auth-params.js'
import { encodeBase64url } from './base64url.js'
import { copyJsonObject, decodeJsonObject } from './json.js'
import { ProtocolError, type ProtocolErrorCode } from './protocol-error.js'
import { parseDateTime } from './time.js'
import type { JsonObject, MppChallenge, MppEcho } from './types.js'

/**
 * The total length limit of the `WWW-Authenticate` values of one answer, in characters. Servers stop at 8 to 16 KiB.
 */
const MAX_HEADER = 256 * 1024
/** The maximum of offers in one answer. */
const MAX_CHALLENGES = 64
/** The length limit of one parameter, and so of one encoded `request`, in characters. */
const MAX_PARAM = 16 * 1024

/** The parameters that a credential returns, in the order of the core draft. Other parameters are ignored. */
const REQUIRED = ['id', 'realm', 'method', 'intent', 'request'] as const
const OPTIONAL = ['description', 'digest', 'expires', 'header', 'opaque'] as const

// The draft allows lower-case letters only; servers of the reference SDK may register wider names.
const METHOD = /^[a-z][a-z0-9:_-]*$/
const INTENT = /^[A-Za-z0-9][A-Za-z0-9:_-]*$/

const utf8 = new TextEncoder()

/** The result of {@link parseChallenges}. */
export interface ParsedChallenges {
  /** The readable offers, in the server's order. */
  readonly challenges: readonly MppChallenge[]
  /** The faults of the unreadable ones. */
  readonly rejected: readonly ProtocolError[]
}

/**
 * Reads the `Payment` challenges of an answer's `WWW-Authenticate` header (draft-httpauth-payment, section 5.1). An
 * unreadable challenge does not hide the others. Never throws.
 *
 * @param header - The header's value: several lines as received, or one line joined with commas.
 * @example
 * ```ts
 * const { challenges, rejected } = parseChallenges(response.headers.get('www-authenticate') ?? '')
 * ```
 */
export function parseChallenges(header: string | readonly string[]): ParsedChallenges {
  const lines = typeof header === 'string' ? [header] : header
  if (lines.reduce((sum, line) => sum + line.length, 0) > MAX_HEADER)
    return {
      challenges: [],
      rejected: [new ProtocolError('header_too_large', `More than ${MAX_HEADER} characters`)],
    }
  const challenges: MppChallenge[] = []
  const rejected: ProtocolError[] = []
  for (const line of lines) {
    for (const raw of readAuthChallenges(
      line,
      'payment',
      MAX_CHALLENGES - challenges.length - rejected.length,
    )) {
      const read = readChallenge(raw)
      if (read instanceof ProtocolError) rejected.push(read)
      else challenges.push(read)
      if (raw.fault?.code === 'too_many_challenges') return { challenges, rejected }
    }
  }
  return { challenges, rejected }
}

/**
 * Reads the challenges of a transport without headers: objects whose `request` is an object too
 * (draft-payment-transport-mcp). An unreadable challenge does not hide the others. Never throws.
 *
 * `echo.params` has the request as base64url, as if it had come in a header, so that wallets and ledgers see one format.
 *
 * @param list - The `challenges` of the server's answer. A value that is not a list yields nothing.
 */
export function parseChallengeObjects(list: unknown): ParsedChallenges {
  const challenges: MppChallenge[] = []
  const rejected: ProtocolError[] = []
  if (!Array.isArray(list)) return { challenges, rejected }
  for (const entry of list.slice(0, MAX_CHALLENGES)) {
    try {
      challenges.push(toChallenge(paramsOf(copyJsonObject(entry))))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      rejected.push(error)
    }
  }
  if (list.length > MAX_CHALLENGES)
    rejected.push(new ProtocolError('too_many_challenges', `More than ${MAX_CHALLENGES} challenges`))
  return { challenges, rejected }
}

/** Converts a challenge object to the parameters that a header would have. */
function paramsOf(challenge: JsonObject): ReadonlyMap<string, string> {
  const params = new Map<string, string>()
  for (const name of [...REQUIRED, ...OPTIONAL]) {
    const value = challenge[name]
    if (typeof value === 'string' && name !== 'request') params.set(name, value)
  }
  const { request } = challenge
  if (!isObject(request)) refuse('not_an_object', 'The request is not an object')
  params.set('request', encodeBase64url(utf8.encode(JSON.stringify(request))))
  return params
}

function readChallenge(raw: AuthChallenge): MppChallenge | ProtocolError {
  try {
    if (raw.fault !== undefined) return raw.fault
    return toChallenge(raw.params)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return new ProtocolError(error.code, error.message, raw.offset)
  }
}

function toChallenge(received: ReadonlyMap<string, string>): MppChallenge {
  const params = pick(received)
  const { id, realm, method, intent, request } = params
  if (id === '') refuse('missing_param', 'The id is empty')
  if (!METHOD.test(method)) refuse('bad_method', 'Not a payment method name')
  if (!INTENT.test(intent)) refuse('bad_intent', 'Not an intent name')
  const challenge: MppChallenge = defined({
    kind: `${method}/${intent}` as const,
    id,
    realm,
    request: decodeJsonObject(request),
    expires: expiryOf(params.expires),
    digest: params.digest,
    words: clean(params.description ?? '') || undefined,
    echo: Object.freeze({
      envelope: 'mpp' as const,
      params: Object.freeze(params),
      header: readHeaderName(params.header),
    }),
  })
  return Object.freeze(challenge)
}

type Params = Record<(typeof REQUIRED)[number], string> & Partial<Record<(typeof OPTIONAL)[number], string>>

/** Selects the known parameters. Only fixed names become keys, so a server cannot choose a property name. */
function pick(received: ReadonlyMap<string, string>): Params {
  const params: Params = own({ id: '', realm: '', method: '', intent: '', request: '' })
  for (const name of REQUIRED)
    params[name] = bounded(received.get(name) ?? refuse('missing_param', `No ${name}`))
  for (const name of OPTIONAL) {
    const value = received.get(name)
    if (value !== undefined) params[name] = bounded(value)
  }
  return params
}

function bounded(value: string): string {
  return value.length > MAX_PARAM
    ? refuse('param_too_large', `A parameter exceeds ${MAX_PARAM} characters`)
    : value
}

function expiryOf(text: string | undefined): Instant | undefined {
  if (text === undefined) return undefined
  return parseDateTime(text) ?? refuse('bad_expires', 'The expiry is not an RFC 3339 date-time')
}

/**
 * `header` is not in the draft. A server that needs `Authorization` for its own use names the other field in it. Any
 * further name is refused: a server could otherwise have the credential sent as a cookie, or in a field that redirects
 * carry to another origin.
 */
function readHeaderName(name: string | undefined): MppEcho['header'] {
  const lower = (name ?? 'authorization').toLowerCase()
  if (lower === 'authorization' || lower === 'payment-authorization') return lower
  return refuse('bad_header', 'The credential is requested in a header that cannot carry one')
}

function refuse(code: ProtocolErrorCode, message: string): never {
  throw new ProtocolError(code, message)
}
