import {
  type Challenge,
  type ParsedPaymentRequired,
  parseChallenges,
  parsePaymentRequired,
  parsePaymentRequiredBody,
} from '../../protocol/index.js'
import type { Head } from '../head.js'

/** What a 402 offers, in whichever protocols it speaks. */
export interface Offers {
  readonly offers: readonly Challenge[]
  /** Why an x402 server asks: its words, or a code. */
  readonly error?: string
}

export const NO_OFFERS: Offers = { offers: [] }

/**
 * The offers in a head: those of the `Payment` scheme, then those of x402 version 2. Either order is as good, since
 * header fields of different names have none between them (RFC 9110, section 5.3).
 *
 * @param url Where the reply came from.
 */
export function offersInHead(head: Head, url: string): Offers {
  const { challenges } = parseChallenges(head.header('www-authenticate') ?? '')
  const required = head.header('payment-required')
  if (required === undefined) return { offers: challenges }
  const { offers, error } = offersOf(parsePaymentRequired(required, hostOf(url)))
  return { offers: [...challenges, ...offers], ...(error !== undefined && { error }) }
}

/** Version 1 of x402 asks in the body, and may be looked for only where nothing in the head can be paid. */
export function mayAskInBody(head: Head, { offers }: Offers): boolean {
  return head.status === 402 && offers.length === 0 && head.header('payment-required') === undefined
}

/** The offers in a body: x402 version 1. */
export function offersInBody(text: string, url: string): Offers {
  return offersOf(parsePaymentRequiredBody(text, hostOf(url)))
}

function offersOf({ challenges, error }: ParsedPaymentRequired): Offers {
  return { offers: challenges, ...(error !== undefined && { error }) }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : ''
}
