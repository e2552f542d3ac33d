import { hashMessage } from 'viem/utils'
import { clean } from '../../errors/index.js'
import { amount, type Instant } from '../../money/index.js'
import type { Challenge, Json, JsonObject, OfferKind, Resource } from '../../protocol/index.js'
import { isObject } from '../../util/objects.js'
import { failed, sign, tokenCurrency, withRecovery } from '../chain/index.js'
import type {
  AcceptedCredential,
  Prepared,
  PrepareOptions,
  Quote,
  QuoteContext,
  Spendable,
  Unpayable,
} from '../index.js'
import { completeOrDiscard, unpayable } from '../shared.js'
import { evidenceOf, readDetail } from './evidence.js'
import { readChain, textOf } from './offer.js'
import type { Config } from './options.js'

export const SIGN_IN: OfferKind = 'x402/sign-in'

/** The last token paid for an operation of a vendor, and its chain. */
interface Custom {
  readonly chainId: number
  readonly token: string
}

const MOST = 10_000

/** The operations that this wallet has paid in this process, where the server may recognise it. */
export class Visits {
  /** Undefined after a rejected sign-in: another one would only cost a round trip every time. */
  readonly #customs = new Map<string, Custom | undefined>()
  readonly #signed = new Map<string, string>()

  /** Undefined if nothing was paid there yet, or if a sign-in was rejected. */
  paid(resource: Resource): Custom | undefined {
    return this.#customs.get(keyOf(resource))
  }

  remember({ evidence, resource }: Pick<AcceptedCredential, 'evidence' | 'resource'>): void {
    const key = keyOf(resource)
    const detail = readDetail(evidence.detail)
    if (detail === undefined || detail.form === 'proof' || this.#customs.has(key)) return
    put(this.#customs, key, { chainId: detail.chainId, token: detail.token })
  }

  signing(challengeId: string, resource: Resource): void {
    put(this.#signed, challengeId, keyOf(resource))
  }

  /** Records that the server rejected the sign-in for this challenge. */
  refused(challengeId: string): void {
    const key = this.#signed.get(challengeId)
    if (key !== undefined) put(this.#customs, key, undefined)
  }
}

function keyOf({ vendor, operation }: Resource): string {
  return `${vendor} ${operation}`
}

function put<V>(map: Map<string, V>, key: string, value: V): void {
  if (map.size >= MOST) map.clear()
  map.set(key, value)
}

/**
 * Quotes a sign-in (the extension `sign-in-with-x`) for a payer who has paid before. It identifies the payer to the
 * site of the request only. It costs nothing, and is quoted only if it may save a payment.
 */
export function quoteSignIn(
  challenge: Challenge,
  context: QuoteContext,
  config: Config,
  visits: Visits,
): Quote | Unpayable {
  const { resource, now, bounds } = context
  if (config.signer.signText === undefined) return unpayable(NO_TEXTS)
  const custom = visits.paid(resource)
  if (custom === undefined)
    return unpayable('This wallet has paid nothing here before, so the site does not know the account')
  const currency = tokenCurrency(custom, context, config)
  if ('unpayable' in currency) return currency
  const message = readMessage(challenge, resource, now)
  if ('unpayable' in message) return message
  const chain = chainFor(challenge.request['supportedChains'], custom.chainId, config)
  if (chain === undefined)
    return unpayable('The site takes sign-ins for none of this wallet’s chains', 'wrong_chain')
  return {
    wallet: config.id,
    challenge,
    resource,
    terms: {
      purpose: 'prove',
      kind: SIGN_IN,
      network: `eip155:${chain}`,
      most: amount(0n, currency),
      exact: true,
      payees: [],
    },
    goodUntil: Math.min(message.end, now + bounds.maxValidityMs),
  }
}

const NO_TEXTS =
  'The account of this wallet signs typed data only, so it cannot sign in: give it `signMessage`'

/** Signs the judged message. The message moves no money. */
export async function prepareSignIn(
  { quote }: Spendable,
  { now, signal }: PrepareOptions,
  config: Config,
  visits: Visits,
): Promise<Prepared> {
  const { challenge, terms, resource } = quote
  const chainId = readChain(terms.network)
  const message = readMessage(challenge, resource, now)
  if ('unpayable' in message) throw failed(message.unpayable)
  const ours = quote.wallet === config.id && terms.purpose === 'prove' && terms.most.value === 0n
  if (!ours || terms.payees.length > 0 || chainId === undefined)
    throw failed('The quote does not belong to this wallet, so nothing was signed')
  const text = messageText(message.info, config.checksummed, chainId)
  const { signText } = config.signer
  if (signText === undefined) throw failed(NO_TEXTS)
  const signature = withRecovery(
    await sign(hashMessage(text), { sign: (hash) => signText(hash, text) }, signal),
  )
  const payload = { address: config.checksummed, chainId: `eip155:${chainId}`, type: 'eip191', signature }
  return {
    evidence: evidenceOf(config.id, SIGN_IN, challenge.id, { form: 'proof', chainId, sender: config.sender }),
    ...completeOrDiscard(async () => {
      visits.signing(challenge.id, resource)
      return { credential: { challenge, payload } }
    }),
  }
}

/** Returns the chain of the last payment, or the first other chain that this wallet supports. */
function chainFor(list: Json | undefined, paidOn: number, { chains, nodes }: Config): number | undefined {
  if (!Array.isArray(list)) return undefined
  const offered = list.flatMap((entry: Json) =>
    isObject(entry) && entry['type'] === 'eip191' ? [readChain(textOf(entry['chainId']))] : [],
  )
  const fits = offered.filter(
    (id) => id !== undefined && (chains?.has(id) ?? true) && nodes(id) !== undefined,
  )
  return fits.includes(paidOn) ? paidOn : fits[0]
}

interface Message {
  readonly info: Info
  /** The time at which it expires. */
  readonly end: Instant
}

/** The fields of EIP-4361, as the site wrote them. */
interface Info {
  readonly domain: string
  readonly uri: string
  readonly nonce: string
  readonly issuedAt: string
  readonly statement?: string
  readonly expirationTime?: string
  readonly notBefore?: string
  readonly requestId?: string
  readonly resources: readonly string[]
}

const LONGEST = 2_000
/**
 * Tells whether a text is one plain line. A second line would be a separate field, and direction controls would make
 * letters look like others.
 */
const isLine = (text: string): boolean => text === clean(text, LONGEST)
const NONCE = /^[a-zA-Z0-9]{8,128}$/

function readMessage({ request, echo }: Challenge, resource: Resource, now: Instant): Message | Unpayable {
  const { info } = request
  const no = (why: string) => unpayable(`This sign-in cannot be signed: ${why}`)
  if (resource.transport !== 'http' || echo.envelope !== 'sign-in' || !isObject(info))
    return no('it did not come over HTTP')
  const texts = ['domain', 'uri', 'nonce', 'issuedAt'].map((name) => lineAt(info, name))
  const [domain, uri, nonce, issuedAt] = texts
  if (domain === undefined || uri === undefined || nonce === undefined || issuedAt === undefined)
    return no('it lacks a required field')
  const site = new URL(resource.vendor)
  if (domain !== site.host) return no('it is for another site than the requested one')
  if (!URL.canParse(uri) || new URL(uri).origin !== site.origin) return no('its URI is on another site')
  if (info['version'] !== '1' || !NONCE.test(nonce)) return no('its version or its nonce is not supported')
  const optional = ['statement', 'expirationTime', 'notBefore', 'requestId'] as const
  if (optional.some((name) => Object.hasOwn(info, name) && lineAt(info, name) === undefined))
    return no('one of its fields has more than one line')
  const resources = info['resources'] ?? []
  if (!Array.isArray(resources) || !resources.every((each) => typeof each === 'string' && isLine(each)))
    return no('its resources have an unknown form')
  // A recap (EIP-5573) would turn a sign-in into an authorization for other sites too.
  if (resources.some((each) => /^urn:recap:/i.test(String(each).trim())))
    return no('it asks for more than a sign-in')
  const end = timeAt(info, 'expirationTime') ?? Number.POSITIVE_INFINITY
  if (!(end > now) || (timeAt(info, 'notBefore') ?? 0) > now) return no('it is not valid now')
  const more = optional.flatMap((name) => {
    const text = lineAt(info, name)
    return text === undefined ? [] : [[name, text] as const]
  })
  return { info: { domain, uri, nonce, issuedAt, resources, ...Object.fromEntries(more) }, end }
}

function lineAt(info: JsonObject, name: string): string | undefined {
  const text = textOf(info[name])
  return text !== undefined && isLine(text) ? text : undefined
}

/** Reads a time. An unreadable time is NaN, for which every comparison is false. */
function timeAt(info: JsonObject, name: string): Instant | undefined {
  const text = textOf(info[name])
  return text === undefined ? undefined : Date.parse(text)
}

/** EIP-4361, "Informal Message Template". */
function messageText(info: Info, address: string, chainId: number): string {
  const { domain, uri, nonce, issuedAt, statement, expirationTime, notBefore, requestId, resources } = info
  const lines = [
    `${domain} wants you to sign in with your Ethereum account:`,
    address,
    '',
    ...(statement === undefined ? [] : [statement]),
    '',
    `URI: ${uri}`,
    'Version: 1',
    `Chain ID: ${chainId}`,
    `Nonce: ${nonce}`,
    `Issued At: ${issuedAt}`,
    ...(expirationTime === undefined ? [] : [`Expiration Time: ${expirationTime}`]),
    ...(notBefore === undefined ? [] : [`Not Before: ${notBefore}`]),
    ...(requestId === undefined ? [] : [`Request ID: ${requestId}`]),
    ...(resources.length === 0 ? [] : ['Resources:', ...resources.map((each) => `- ${each}`)]),
  ]
  return lines.join('\n')
}
