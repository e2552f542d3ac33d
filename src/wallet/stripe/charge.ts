import type { Json, JsonObject } from '../../protocol/index.js'
import { isObject } from '../../util/objects.js'
import type { Unpayable } from '../index.js'

/** A checked `stripe/charge` request (draft-stripe-charge-00, "Request Schema"). */
export interface Charge {
  /** In the currency's smallest unit, as Stripe counts it. */
  readonly amount: bigint
  /** Three letters, lower case. */
  readonly currency: string
  /** The seller's Stripe profile. A token for this charge is valid for this seller only. */
  readonly seller: string
  /** The payment method types that the seller can process: `card`, `link`, … */
  readonly types: readonly string[]
  /** Returned with the credential if the request is bound to one. */
  readonly externalId?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

const MOST_METADATA = 50
const LONGEST_KEY = 40
const LONGEST_VALUE = 500
const MOST_TYPES = 64

/** Reads a request. If any part does not follow the draft, the whole request is unpayable. */
export function readCharge(request: JsonObject): Charge | Unpayable {
  const { amount, currency, externalId } = request
  const details = request['methodDetails']
  if (typeof amount !== 'string' || !/^(0|[1-9]\d{0,11})$/.test(amount))
    return no('its amount is not a whole number of smallest units')
  if (amount === '0') return no('Stripe cannot charge an amount of zero')
  if (typeof currency !== 'string' || !/^[a-z]{3}$/i.test(currency)) return no('it names no currency')
  if (externalId !== undefined && !isText(externalId, LONGEST_VALUE))
    return no('its externalId is not a short text')
  if (!isObject(details)) return no('it has no methodDetails')
  const seller = details['networkId']
  if (typeof seller !== 'string' || !/^[\w-]{1,200}$/.test(seller))
    return no('it names no seller (networkId)')
  const types = readTypes(details['paymentMethodTypes'])
  if (types === undefined) return no('it does not say which paymentMethodTypes it takes')
  const metadata = details['metadata'] === undefined ? undefined : readMetadata(details['metadata'])
  if (metadata === null) return no('Stripe would not accept its metadata')
  return {
    amount: BigInt(amount),
    currency: currency.toLowerCase(),
    seller,
    types,
    externalId,
    metadata,
  }
}

function no(why: string): Unpayable {
  return { unpayable: `This Stripe charge cannot be paid: ${why}`, code: 'wallet_failed' }
}

function readTypes(value: Json | undefined): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_TYPES) return undefined
  const types = value.filter((type): type is string => isText(type, LONGEST_KEY))
  return types.length === value.length ? types : undefined
}

/** Null if the metadata cannot be passed on. An order's `externalId` has its own field. */
export function readMetadata(value: unknown): Readonly<Record<string, string>> | null {
  if (!isObject(value)) return null
  const entries = Object.entries(value)
  if (entries.length > MOST_METADATA) return null
  const read = Object.create(null)
  for (const [key, text] of entries) {
    const fits = key !== '' && key !== 'externalId' && key.length <= LONGEST_KEY && !/[[\]]/.test(key)
    if (!fits || typeof text !== 'string' || text.length > LONGEST_VALUE) return null
    read[key] = text
  }
  return read
}

function isText(value: Json | undefined, most: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= most
}
