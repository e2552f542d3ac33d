import type { JsonObject } from '../protocol/index.js'
import { isObject } from '../util/objects.js'
import type { Offer } from './rails.js'
import {
  type Arrived,
  type ChallengeParams,
  challengeOf,
  formatChallenge,
  paymentRequired,
  x402Header,
} from './wire.js'

/** An offer that a credential answers. */
export interface Answered {
  readonly offer: Offer
  /** The id of the challenge. x402 has none. */
  readonly challengeId: string | undefined
}

/** The offers that one route has made, so that a credential is taken only for one of them. */
export class Challenges {
  readonly #params = new Map<string, { readonly offer: Offer; readonly params: ChallengeParams }>()
  /** The entries of x402, by their text. */
  readonly #entries = new Map<string, Offer>()

  /** Makes the parts of a 402 that carry offers. */
  issue(
    offers: readonly Offer[],
    url: URL,
    { error, expires }: { readonly error: string; readonly expires: Date | undefined },
  ): { readonly headers: Headers; readonly body: JsonObject | undefined } {
    const headers = new Headers()
    const challenges = offers
      .filter(({ kind }) => kind !== 'x402/exact')
      .map((offer) => this.#challenge(offer, url, expires))
    if (challenges.length > 0) headers.set('www-authenticate', challenges.join(', '))
    const second = this.#document(offers, url, 2, error)
    if (second !== undefined) headers.set('payment-required', x402Header(second))
    return { headers, body: this.#document(offers, url, 1, error) }
  }

  /** Finds the offer that a credential answers, or says why there is none. */
  find(arrived: Arrived): Answered | string {
    if (arrived.envelope === 'x402') {
      const { accepted, version } = arrived
      const offer = this.#entries.get(entryKey(accepted, version))
      return offer === undefined ? 'No matching payment requirements.' : { offer, challengeId: undefined }
    }
    const { id } = arrived.challenge
    const issued = typeof id === 'string' ? this.#params.get(id) : undefined
    if (issued === undefined) return 'The challenge is not known.'
    const same = Object.entries(issued.params).every(([name, value]) => arrived.challenge[name] === value)
    return same ? { offer: issued.offer, challengeId: issued.params.id } : 'The challenge was changed.'
  }

  #challenge(offer: Offer, url: URL, expires: Date | undefined): string {
    const params = challengeOf(offer, url, crypto.randomUUID(), expires)
    this.#params.set(params.id, { offer, params })
    return formatChallenge(params)
  }

  #document(offers: readonly Offer[], url: URL, version: 1 | 2, error: string): JsonObject | undefined {
    const own = offers.filter((offer) => offer.kind === 'x402/exact' && offer.version === version)
    if (own.length === 0) return undefined
    const document = paymentRequired(own, url, version, error)
    const accepts = Array.isArray(document['accepts']) ? document['accepts'] : []
    for (const [index, offer] of own.entries()) {
      const entry: unknown = accepts[index]
      if (isJsonObject(entry)) this.#entries.set(entryKey(entry, version), offer)
    }
    return document
  }
}

/** A payload of version 1 names the scheme and the network of its entry, and nothing else. */
function entryKey(entry: JsonObject, version: 1 | 2): string {
  const { scheme, network } = entry
  if (version === 1) return JSON.stringify([version, scheme, network])
  return JSON.stringify([version, ...Object.entries(entry).toSorted(([a], [b]) => (a < b ? -1 : 1))])
}

function isJsonObject(value: unknown): value is JsonObject {
  return isObject(value)
}
