import { decodeBase64url, encodeBase64url, type JsonObject, parseJsonObject } from '../protocol/index.js'
import { isObject } from '../util/objects.js'
import { type Offer, requestOf } from './rails.js'

// What a server writes and reads on HTTP: the codecs of `protocol` are those of a client.

const utf8 = new TextEncoder()

/** A credential that arrived with a request. */
export type Arrived =
  | { readonly envelope: 'mpp'; readonly challenge: JsonObject; readonly payload: JsonObject }
  | {
      readonly envelope: 'x402'
      readonly version: 1 | 2
      /** The chosen entry of version 2, or the scheme and network of version 1. */
      readonly accepted: JsonObject
      readonly payload: JsonObject
    }

/** The auth-params of a challenge of the `Payment` scheme. */
export interface ChallengeParams {
  readonly id: string
  readonly realm: string
  readonly method: string
  readonly intent: string
  readonly request: string
  readonly expires?: string
}

/** Makes the auth-params of an offer. */
export function challengeOf(offer: Offer, url: URL, id: string, expires?: Date): ChallengeParams {
  const [method = '', intent = ''] = offer.kind.split('/')
  return {
    id,
    realm: url.host,
    method,
    intent,
    request: encode(requestOf(offer, url.href)),
    ...(expires === undefined ? {} : { expires: expires.toISOString() }),
  }
}

/** Formats auth-params as one challenge of a `WWW-Authenticate` header. */
export function formatChallenge(params: ChallengeParams): string {
  return `Payment ${Object.entries(params)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}`
}

/** Makes an x402 402 document: the header of version 2, or the body of version 1. */
export function paymentRequired(
  offers: readonly Offer[],
  url: URL,
  version: 1 | 2,
  error: string,
): JsonObject {
  const accepts = offers.map((offer) => requestOf(offer, url.href))
  const resource = { url: url.href, description: '', mimeType: '' }
  return { x402Version: version, error, accepts, ...(version === 2 ? { resource } : {}) }
}

/** Encodes an x402 document as a header. */
export function x402Header(document: JsonObject): string {
  const text = encode(document).replaceAll('-', '+').replaceAll('_', '/')
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/** Makes the headers of a receipt. */
export function receiptHeaders(offer: Offer, names: ReceiptNames): Readonly<Record<string, string>> {
  if (offer.kind !== 'x402/exact') return { 'payment-receipt': encode(receiptOf(offer, names)) }
  const { version, network } = offer
  const document = { success: true, transaction: names.reference ?? '', network, payer: '' }
  return { [version === 1 ? 'x-payment-response' : 'payment-response']: x402Header(document) }
}

/** Makes a receipt of the `Payment` scheme. */
export function receiptOf(
  { kind }: Pick<Offer, 'kind'>,
  { reference, challengeId, accepted }: ReceiptNames,
): JsonObject {
  return {
    method: kind.split('/')[0] ?? '',
    status: 'success',
    timestamp: new Date().toISOString(),
    ...(reference === undefined ? {} : { reference }),
    ...(challengeId === undefined ? {} : { challengeId }),
    ...(accepted === undefined ? {} : { acceptedCumulative: `${accepted}`, spent: `${accepted}` }),
  }
}

/** What a receipt names. */
export interface ReceiptNames {
  readonly reference: string | undefined
  readonly challengeId: string | undefined
  /** The total of a session that was accepted. */
  readonly accepted?: bigint | undefined
}

/** Reads the credential of a request. Undefined if it has none. */
export function readCredential({ headers }: Request): Arrived | 'unreadable' | undefined {
  const mpp = headers.get('payment-authorization') ?? headers.get('authorization')
  const scheme = /^payment\s+/i.exec(mpp ?? '')
  if (mpp !== null && scheme !== null) {
    const { challenge, payload } = decode(mpp.slice(scheme[0].length)) ?? {}
    return isJsonObject(challenge) && isJsonObject(payload)
      ? { envelope: 'mpp', challenge, payload }
      : 'unreadable'
  }
  const second = headers.get('payment-signature')
  const message = second ?? headers.get('x-payment')
  if (message === null) return undefined
  const document = decode(message) ?? {}
  const accepted = second === null ? document : document['accepted']
  const { payload } = document
  if (!isJsonObject(accepted) || !isJsonObject(payload)) return 'unreadable'
  return { envelope: 'x402', version: second === null ? 1 : 2, accepted, payload }
}

/** Encodes an object as base64url of its JSON. */
export function encode(value: object): string {
  return encodeBase64url(utf8.encode(JSON.stringify(value)))
}

/** Decodes base64 or base64url of a JSON object. Undefined if it is none. */
export function decode(value: string): JsonObject | undefined {
  const bytes = decodeBase64url(value.trim().replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_'))
  try {
    return bytes === undefined ? undefined : parseJsonObject(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

function isJsonObject(value: unknown): value is JsonObject {
  return isObject(value)
}
