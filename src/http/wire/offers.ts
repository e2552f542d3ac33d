import type { Reason } from '../../errors/index.js'
import {
  type Challenge,
  type ParsedPaymentRequired,
  parseChallenges,
  parsePaymentRequired,
  parsePaymentRequiredBody,
  unreadableOffer,
} from '../../protocol/index.js'
import type { Head } from '../head.js'

/** The offers of a 402, of all its protocols. */
export interface Offers {
  readonly offers: readonly Challenge[]
  /** Why other offers in it cannot be read. */
  readonly reasons: readonly Reason[]
  /** Why an x402 server asks: a sentence or a code. */
  readonly error?: string
}

/**
 * Returns the offers in a head: those of the `Payment` scheme, then those of x402 version 2. HTTP gives no order to
 * fields of different names (RFC 9110, section 5.3).
 *
 * @param url Where the reply came from.
 */
export function offersInHead(head: Head, url: string): Offers {
  const { challenges, rejected } = parseChallenges(head.header('www-authenticate') ?? '')
  const payment: Offers = {
    offers: challenges,
    reasons: rejected.map(unreadableOffer('An offer of the Payment scheme')),
  }
  const required = head.header('payment-required')
  if (required === undefined) return payment
  return together(
    payment,
    offersOf(parsePaymentRequired(required, hostOf(url)), 'The PAYMENT-REQUIRED header'),
  )
}

/**
 * Whether to read the body for offers of x402 version 1: only if no wallet here pays any offer in the head. Otherwise
 * a body could add another price to that of the header.
 *
 * @param pays Whether a wallet here pays offers of this kind.
 */
export function mayAskInBody(
  head: Head,
  { offers }: Offers,
  pays: (kind: Challenge['kind']) => boolean,
): boolean {
  return mayHoldOffers(head) && !offers.some(({ kind }) => pays(kind))
}

/** Servers send version 1 as JSON, as plain text, or without a type. */
function mayHoldOffers(head: Head): boolean {
  const type = head.header('content-type')
  return type === undefined || /[/+]json\b|^text\/plain\b/i.test(type)
}

/** Returns the offers in a body: x402 version 1. */
export function offersInBody(text: string, url: string): Offers {
  return offersOf(parsePaymentRequiredBody(text, hostOf(url)), 'The body')
}

/** Joins both, in this order. The first error of the server stands for all. */
export function together(one: Offers, other: Offers): Offers {
  const error = one.error ?? other.error
  return {
    offers: [...one.offers, ...other.offers],
    reasons: [...one.reasons, ...other.reasons],
    ...(error !== undefined && { error }),
  }
}

/** Returns the reason if the server makes no offer that Purser can read. */
export function noOffers(head: Head): Reason {
  const schemes = head.header('www-authenticate') ?? ''
  const message = /(?:^|,)\s*(?:l402|lsat)\b/i.test(schemes)
    ? 'The server asks for a payment by L402. Purser pays offers of the Payment scheme and of x402.'
    : 'The answer has status 402, but it holds no offer of the Payment scheme or of x402.'
  return { rule: 'protocol', message }
}

function offersOf({ challenges, rejected, error }: ParsedPaymentRequired, place: string): Offers {
  return {
    offers: challenges,
    reasons: rejected.map(unreadableOffer(`${place} (x402)`)),
    ...(error !== undefined && { error }),
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : ''
}
