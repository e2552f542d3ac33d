import type { IncomingMessage, ServerResponse } from 'node:http'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'

export const CHAIN_ID = 31337
export const TOKEN = '0x20c0000000000000000000000000000000000001'
/** Another dollar that everybody is told of, and a euro. */
export const OTHER_DOLLAR = '0x20c0000000000000000000000000000000000002'
export const EURO = '0x20c0000000000000000000000000000000000003'
export const PAYEE = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
/** An escrow of sessions of version 1. No test here talks to it. */
export const ESCROW = '0x3333333333333333333333333333333333333333'
export const THIEF = '0x6666666666666666666666666666666666666666'
/** A cent, in the token's six decimals. */
export const CENT = 10_000n

/** What one challenge says. Everything may be wrong. */
export interface Offer {
  readonly id?: string
  readonly realm?: string
  readonly method?: string
  readonly intent?: string
  readonly amount?: unknown
  readonly currency?: unknown
  readonly recipient?: unknown
  readonly chainId?: unknown
  readonly feePayer?: unknown
  readonly splits?: unknown
  readonly expires?: string | undefined
  readonly description?: string
  readonly digest?: string
  readonly header?: string
  readonly supportedModes?: readonly string[]
  /** Further members of the request. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** One request, as it came. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly host: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly credential: Credential | undefined
}

export interface Credential {
  /** The header it came in. */
  readonly header: string
  readonly raw: string
  /** What it says that it pays for: of MPP the challenge, of x402 the entry of `accepts`. */
  readonly challenge: Readonly<Record<string, unknown>>
  readonly payload: Readonly<Record<string, unknown>>
  /** Who says that they pay, where it says so. */
  readonly source?: string
}

/** What a behaviour has in its hands. */
export interface Visit {
  readonly seen: Seen
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** How many requests with a credential there were, this one included. */
  readonly paid: number
  /** How many requests without one. */
  readonly unpaid: number
  /** The same server under another name: another origin. */
  readonly elsewhere: string
  ask(...offers: readonly Offer[]): void
  /** 200, with a receipt (an honest one unless told otherwise, none for `null`). */
  serve(receipt?: Readonly<Record<string, unknown>> | null): void
}

export type Behaviour = (visit: Visit) => void | Promise<void>

/** A `Payment` challenge, serialised by hand. */
export function challengeOf(offer: Offer, id: string): string {
  const { amount = String(CENT), currency = TOKEN, recipient = PAYEE, chainId = CHAIN_ID } = offer
  const { feePayer, splits, supportedModes, extra = {} } = offer
  const request = {
    amount,
    currency,
    recipient,
    methodDetails: {
      chainId,
      ...(feePayer === undefined ? {} : { feePayer }),
      ...(splits === undefined ? {} : { splits }),
      ...(supportedModes === undefined ? {} : { supportedModes }),
    },
    ...extra,
  }
  const params: Record<string, string | undefined> = {
    id: offer.id ?? id,
    realm: offer.realm ?? 'shop',
    method: offer.method ?? 'tempo',
    intent: offer.intent ?? 'charge',
    request: encode(request),
    expires: 'expires' in offer ? offer.expires : new Date(Date.now() + 300_000).toISOString(),
    digest: offer.digest,
    header: offer.header,
    // HTTP itself refuses control characters and everything beyond Latin-1 in a header.
    description: offer.description?.replace(/[^\x20-\x7e\x80-\xff]/g, '?'),
  }
  const list = Object.entries(params).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value.replace(/["\\]/g, '\\$&')}"`],
  )
  return `Payment ${list.join(', ')}`
}

/** JSON in base64url, as challenges, credentials and receipts carry it. */
export function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** What an honest server would say of this credential. */
export function receiptFor({ seen: { credential } }: Visit): Readonly<Record<string, unknown>> {
  const { signature, hash, type } = credential?.payload ?? {}
  const reference =
    type === 'transaction' && typeof signature === 'string' && !signature.startsWith('0x78')
      ? `0x${bytesToHex(keccak_256(hexToBytes(signature.slice(2))))}`
      : (hash ?? credential?.challenge['id'])
  const method = credential?.challenge['method'] ?? 'tempo'
  return { status: 'success', method, timestamp: new Date().toISOString(), reference }
}
