import type { NextAction } from '../../errors/index.js'
import { isObject } from '../../util/objects.js'

/** A Shared Payment Token: Stripe's `shared_payment.issued_token`. */
export interface Token {
  readonly id: string
  /** `active`, `requires_action`, `deactivated`, or a future status. Only `active` is usable. */
  readonly status: string
  readonly livemode?: boolean
  readonly seller?: string
  readonly currency?: string
  readonly most?: bigint
  /** In seconds. */
  readonly expiresAt?: number
  /** The amount that the seller has taken so far; absent if Stripe does not report it. */
  readonly captured?: { readonly currency: string; readonly value: bigint }
  /** The reason of a deactivation: `consumed`, `expired`, `resolved`, `revoked`. */
  readonly reason?: string
  /** The action that a person must take before it can be charged. */
  readonly action?: NextAction
}

const ID = /^spt_[A-Za-z0-9_]{1,250}$/

/** Tells whether a value is the id of a Shared Payment Token. */
export function isTokenId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value)
}

/** Reads a token. Undefined if the value is not one. */
export function readToken(value: unknown): Token | undefined {
  if (!isObject(value)) return undefined
  const { id, status, livemode } = value
  if (!isTokenId(id) || typeof status !== 'string') return undefined
  const limits = isObject(value['usage_limits']) ? value['usage_limits'] : {}
  const seller = isObject(value['seller_details'])
    ? value['seller_details']['network_business_profile']
    : null
  const { currency, max_amount: most, expires_at: expiresAt } = limits
  const captured = readCaptured(value['usage_details'])
  const reason = value['deactivated_reason']
  const action = readAction(value['next_action'])
  return {
    id,
    status,
    ...(typeof livemode === 'boolean' ? { livemode } : {}),
    ...(typeof seller === 'string' ? { seller } : {}),
    ...(typeof currency === 'string' ? { currency: currency.toLowerCase() } : {}),
    ...(isWhole(most) ? { most: BigInt(most) } : {}),
    ...(isWhole(expiresAt) ? { expiresAt } : {}),
    ...(captured === undefined ? {} : { captured }),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(action === undefined ? {} : { action }),
  }
}

function readCaptured(details: unknown): Token['captured'] {
  const captured = isObject(details) ? details['amount_captured'] : undefined
  if (!isObject(captured)) return undefined
  const { currency, value } = captured
  if (typeof currency !== 'string' || !isWhole(value)) return undefined
  return { currency: currency.toLowerCase(), value: BigInt(value) }
}

function readAction(value: unknown): NextAction | undefined {
  if (!isObject(value)) return undefined
  const { redirect_to_url: redirect, use_stripe_sdk: sdk } = value
  if (value['type'] === 'redirect_to_url' && isObject(redirect)) {
    const url = redirect['url']
    // The URL is shown to a person, who will open it.
    const safe = typeof url === 'string' && URL.canParse(url) && new URL(url).protocol === 'https:'
    return safe ? { kind: 'redirect', url } : undefined
  }
  if (value['type'] !== 'use_stripe_sdk' || !isObject(sdk)) return undefined
  const hashed = sdk['value']
  return typeof hashed === 'string' ? { kind: 'sdk', value: hashed } : undefined
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
