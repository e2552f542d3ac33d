import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import canonicalize from 'canonicalize'
import { defined, isObject } from '../../util/objects.js'
import { asBase64url } from '../base64url.js'
import { copyJsonObject, decodeJsonObject, type JsonLimits, parseJsonObject } from '../json.js'
import { ProtocolError } from '../protocol-error.js'
import type { Json, JsonObject, SignInChallenge, X402Challenge, X402Echo } from '../types.js'
import { listAt, objectAt, refuse, textAt, wordsAt } from './fields.js'
import { CAIP2 } from './networks.js'
import { SIGN_IN, signInOf } from './sign-in.js'

/** The length limit of a `PAYMENT-REQUIRED` header, in characters. Servers stop at 8 to 16 KiB of headers in all. */
const MAX_HEADER = 64 * 1024
/** The maximum of entries of `accepts`; further entries are ignored. */
const MAX_ENTRIES = 64
/**
 * The maximum of documents in one answer. A server with two payment layers sends two lines, which HTTP clients join.
 */
const MAX_DOCUMENTS = 8
/** Extensions carry JSON schemas of the resource's input, which nest deeper than any method's request. */
const LIMITS: JsonLimits = Object.freeze({ length: 64 * 1024, depth: 32 })

const SCHEME = /^[a-z0-9][a-z0-9_-]{0,63}$/i
// Version 1 names networks.
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/i

/** The result of parsing an x402 402 answer. */
export interface ParsedPaymentRequired {
  /** The readable entries in the server's order, then a sign-in if the server accepts one instead. */
  readonly challenges: readonly (X402Challenge | SignInChallenge)[]
  /** The faults of the unreadable entries, or of the whole answer. */
  readonly rejected: readonly ProtocolError[]
  /** The server's text about why it asks, cleaned. After a payment, often a code such as `insufficient_funds`. */
  readonly error?: string
}

/**
 * Reads a `PAYMENT-REQUIRED` header (x402 version 2, transports/http), or several joined with commas. An unreadable
 * entry does not hide the others. The wallet, not this parser, checks the amount, the asset and the payee. Never
 * throws.
 *
 * @param realm - The host of the request URL. `resource.url` comes from the server and decides nothing.
 * @example
 * ```ts
 * const header = response.headers.get('payment-required') ?? ''
 * const { challenges, rejected } = parsePaymentRequired(header, new URL(response.url).host)
 * ```
 */
export function parsePaymentRequired(header: string, realm: string): ParsedPaymentRequired {
  return reading(() => {
    if (header.length > MAX_HEADER) refuse('header_too_large', `More than ${MAX_HEADER} characters`)
    const lines = header.split(',').slice(0, MAX_DOCUMENTS)
    const documents = lines.map((line) =>
      reading(() => offersOf(decodeJsonObject(asBase64url(line.trim()), LIMITS), 2, realm)),
    )
    const error = documents.find((document) => document.error !== undefined)?.error
    return defined({
      challenges: documents.flatMap(({ challenges }) => challenges),
      rejected: documents.flatMap(({ rejected }) => rejected),
      error,
    })
  })
}

/**
 * Reads the body of a 402 in the format of x402 version 1. Never throws; any other body yields one rejection.
 *
 * @param realm - The host of the request URL.
 * @example
 * ```ts
 * const { challenges } = parsePaymentRequiredBody(await response.text(), new URL(response.url).host)
 * ```
 */
export function parsePaymentRequiredBody(body: string, realm: string): ParsedPaymentRequired {
  return reading(() => offersOf(parseJsonObject(body, LIMITS), 1, realm))
}

/**
 * Tells whether a value looks like an x402 demand for payment: an object with a known version and a list of entries.
 * Nothing in it is checked yet.
 */
export function isPaymentRequired(value: unknown): boolean {
  if (!isObject(value) || !Object.hasOwn(value, 'x402Version') || !Object.hasOwn(value, 'accepts'))
    return false
  return (value['x402Version'] === 1 || value['x402Version'] === 2) && Array.isArray(value['accepts'])
}

/**
 * Reads an x402 demand for payment that came as an object, of either version: for transports without headers. Never throws.
 *
 * @param realm - The name of the server, as the caller chose it.
 */
export function parsePaymentRequiredObject(value: unknown, realm: string): ParsedPaymentRequired {
  return reading(() => {
    const message = copyJsonObject(value, LIMITS)
    return offersOf(message, message['x402Version'] === 1 ? 1 : 2, realm)
  })
}

function reading(read: () => ParsedPaymentRequired): ParsedPaymentRequired {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { challenges: [], rejected: [error] }
  }
}

function offersOf(message: JsonObject, version: X402Echo['version'], realm: string): ParsedPaymentRequired {
  if (message['x402Version'] !== version) refuse('bad_version', `Not x402 version ${version}`)
  const accepts = listAt(message, 'accepts') ?? refuse('missing_param', 'No accepts')
  const challenges: (X402Challenge | SignInChallenge)[] = []
  const rejected: ProtocolError[] = []
  const attempt = (read: () => X402Challenge | SignInChallenge | undefined): void => {
    try {
      const challenge = read()
      if (challenge !== undefined) challenges.push(challenge)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      rejected.push(error)
    }
  }
  // Version 1 has no resource and no extensions, even if the body contains such fields.
  const resource = version === 2 ? objectAt(message, 'resource') : undefined
  const extensions = version === 2 ? objectAt(message, 'extensions') : undefined
  for (const entry of accepts.slice(0, MAX_ENTRIES))
    attempt(() => challengeOf(entry, { version, resource, extensions, realm }))
  if (accepts.length > MAX_ENTRIES)
    rejected.push(new ProtocolError('too_many_challenges', `More than ${MAX_ENTRIES} entries`))
  attempt(() => extensions && signInChallenge(extensions, realm))
  return defined({ challenges, rejected, error: wordsAt(message, 'error') })
}

interface Around {
  readonly version: X402Echo['version']
  readonly resource: JsonObject | undefined
  readonly extensions: JsonObject | undefined
  readonly realm: string
}

function challengeOf(entry: Json, { version, resource, extensions, realm }: Around): X402Challenge {
  if (!isObject(entry)) refuse('not_an_object', 'An entry of accepts is not an object')
  const scheme = checked(entry, version)
  const words = version === 1 ? wordsAt(entry, 'description') : wordsAt(resource, 'description')
  return Object.freeze(
    defined({
      kind: `x402/${scheme}` as const,
      id: hashOf(entry),
      realm,
      request: entry,
      words,
      echo: Object.freeze(
        defined({ envelope: 'x402' as const, version, accepted: entry, resource, extensions }),
      ),
    }),
  )
}

/** Checks that the fields of every scheme are present and have their type. Returns the scheme. */
function checked(entry: JsonObject, version: X402Echo['version']): string {
  const need = (name: string): string =>
    textAt(entry, name) ?? refuse('missing_param', `${name} is missing or is not a string`)
  const scheme = need('scheme')
  // `x402/sign-in` is Purser's own kind. A server's entry of that name would look like an offer that costs nothing.
  if (!SCHEME.test(scheme) || scheme === SIGN_IN) refuse('bad_scheme', 'Not a scheme name')
  const network = need('network')
  if (!CAIP2.test(network) && !(version === 1 && NAME.test(network))) refuse('bad_network', 'Not a network')
  for (const name of [version === 1 ? 'maxAmountRequired' : 'amount', 'asset', 'payTo']) need(name)
  const seconds = entry['maxTimeoutSeconds']
  if (typeof seconds !== 'number' || !(seconds > 0))
    refuse('missing_param', 'maxTimeoutSeconds is missing or is not a positive number')
  return scheme
}

function signInChallenge(extensions: JsonObject, realm: string): SignInChallenge | undefined {
  const read = signInOf(extensions)
  if (read === undefined) return undefined
  const { info, supportedChains } = read
  const request = Object.freeze({ info, supportedChains })
  return Object.freeze(
    defined({
      kind: `x402/${SIGN_IN}` as const,
      id: hashOf(request),
      realm,
      request,
      words: wordsAt(info, 'statement'),
      echo: Object.freeze({ envelope: 'sign-in' as const, info }),
    }),
  )
}

/** Hashes the canonical form (RFC 8785) of a chosen entry. x402 has no challenge id, so the hash takes its place. */
function hashOf(request: JsonObject): string {
  let text: string | undefined
  try {
    text = canonicalize(request)
  } catch {
    // Numbers out of range and lone surrogates have no canonical form and cannot be returned as received.
  }
  return bytesToHex(sha256(utf8ToBytes(text ?? refuse('bad_json', 'An entry cannot be returned unchanged'))))
}
