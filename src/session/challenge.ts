import { type Challenge, encodeBase64url, type Json, type JsonObject } from '../protocol/index.js'
import { isObject } from '../util/objects.js'
import type { Unpayable } from '../wallet/index.js'
import type { Hex } from '../wallet/tempo/index.js'
import { NOBODY, readAddress, readAmount } from './json.js'

/** The two kinds of channels: an escrow contract (v1), or the chain's own channel reserve (v2). */
export type Protocol = 'v1' | 'v2'

/** The checked parameters of a session challenge. Addresses are in lower case. */
export interface Session {
  readonly protocol: Protocol
  readonly chainId: number
  readonly escrow: Hex
  readonly token: Hex
  readonly payee: Hex
  /** The address that may act for the payee on the channel; the zero address if there is none. */
  readonly operator: Hex
  /** The amount that one request, or one unit of a stream, adds to the running total. */
  readonly price: bigint
  /** The deposit that the server suggests. It may lower the wallet's deposit, never raise it. */
  readonly suggested: bigint | undefined
  /** True if the server pays the fees of opening and topping up. */
  readonly sponsored: boolean
  /** The server's record of a channel of this payer, unchecked. */
  readonly snapshot: JsonObject | undefined
}

/** The chain's channel reserve (TIP-1034), at the same address on every Tempo chain. */
export const RESERVE: Hex = '0x4d50500000000000000000000000000000000000'
/** The escrow contracts of v1 that Tempo runs, by chain. */
const STREAM_ESCROWS: Readonly<Record<number, Hex>> = {
  4217: '0x33b901018174ddabe4841042ab76ba85d4e24f25',
  42431: '0xe1c4d3dce17bc111181ddf716f75bae49e61a336',
}
/** The chain of a challenge without one (draft-tempo-session-00, "Method Details"). */
const DEFAULT_CHAIN = 4217
/** Amounts have 96 bits in v2 and 128 in v1. */
const WIDTH = { v1: 2n ** 128n - 1n, v2: 2n ** 96n - 1n } as const

/** Returns the largest amount that a channel can hold. */
export function mostOf({ protocol }: Pick<Session, 'protocol'>): bigint {
  return WIDTH[protocol]
}

/** Tells whether the escrow is one that the network itself runs. */
export function isOwnEscrow({ protocol, chainId, escrow }: Session): boolean {
  return escrow === ownEscrow(protocol, chainId)
}

function ownEscrow(protocol: Protocol, chainId: number): Hex | undefined {
  return protocol === 'v2' ? RESERVE : STREAM_ESCROWS[chainId]
}

const no = (unpayable: string): Unpayable => ({
  unpayable: `This Tempo session cannot be paid: ${unpayable}`,
  code: 'wallet_failed',
})

/** A cache: a remembered challenge is read with every call. */
const known = new WeakMap<JsonObject, Session | Unpayable>()

/**
 * Reads the `request` of a `tempo/session` challenge (draft-tempo-session-00, "Request Schema"). Pure. Unknown members
 * are ignored. An unknown protocol is refused: a client must not answer with another protocol than the indicated one.
 */
export function readSession({ request }: Pick<Challenge, 'request'>): Session | Unpayable {
  const before = known.get(request)
  if (before !== undefined) return before
  const session = Object.freeze(parse(request))
  known.set(request, session)
  return session
}

function parse(request: JsonObject): Session | Unpayable {
  const details = request['methodDetails'] ?? {}
  if (!isObject(details)) return no('its methodDetails are not an object')
  const protocol = details['sessionProtocol'] ?? 'v1'
  if (protocol !== 'v1' && protocol !== 'v2') return no('its protocol is unknown')
  const chainId = details['chainId'] ?? DEFAULT_CHAIN
  if (typeof chainId !== 'number' || !Number.isSafeInteger(chainId) || chainId <= 0)
    return no('its chainId is not a positive integer')
  const escrow = optional(details['escrowContract'], ownEscrow(protocol, chainId))
  if (escrow === undefined) return no('it names no escrow')
  const token = readAddress(request['currency'])
  if (token === undefined) return no('its currency is not a token address')
  const payee = readAddress(request['recipient'])
  if (payee === undefined) return no('its recipient is not an address')
  const operator = details['operator'] === NOBODY ? NOBODY : optional(details['operator'], NOBODY)
  if (operator === undefined) return no('its operator is not an address')
  const sponsored = details['feePayer'] ?? false
  if (typeof sponsored !== 'boolean') return no('its feePayer is neither true nor false')
  const price = priceOf(request, details, WIDTH[protocol])
  if (typeof price !== 'bigint') return price
  const { sessionSnapshot: snapshot } = details
  return {
    protocol,
    chainId,
    escrow,
    token,
    payee,
    operator: protocol === 'v2' ? operator : NOBODY,
    price,
    suggested: readAmount(request['suggestedDeposit']),
    sponsored,
    snapshot: protocol === 'v2' && isObject(snapshot) ? snapshot : undefined,
  }
}

/**
 * Returns the price of one step. A server with `minVoucherDelta` accepts no smaller step, so the policy judges that
 * amount.
 */
function priceOf(request: JsonObject, details: JsonObject, most: bigint): bigint | Unpayable {
  const amount = readAmount(request['amount'])
  if (amount === undefined) return no('its amount is not a plain decimal integer')
  if (amount === 0n) return no('its amount is zero')
  const least = details['minVoucherDelta'] ?? '0'
  const step = readAmount(least)
  if (step === undefined) return no('its minVoucherDelta is not a plain decimal integer')
  const price = step > amount ? step : amount
  return price > most ? no('its amount is larger than a channel can hold') : price
}

/**
 * Removes the server's snapshot of a channel from a challenge, because it contains a signed voucher. The challenge then
 * differs from the server's, so the server answers a credential for it with a fresh one.
 */
export function withoutSnapshot(challenge: Challenge): Challenge {
  const { request, echo } = challenge
  const { methodDetails } = request
  if (echo.envelope !== 'mpp' || !isObject(methodDetails) || !('sessionSnapshot' in methodDetails))
    return challenge
  const { sessionSnapshot: _, ...details } = methodDetails
  const bare = { ...request, methodDetails: details }
  const encoded = encodeBase64url(new TextEncoder().encode(JSON.stringify(bare)))
  return { ...challenge, request: bare, echo: { ...echo, params: { ...echo.params, request: encoded } } }
}

function optional(value: Json | undefined, otherwise: Hex | undefined): Hex | undefined {
  return value === undefined || value === null ? otherwise : readAddress(value)
}
