import type { NextAction } from '../../errors/index.js'
import { isObject } from '../../util/objects.js'

/** A Shared Payment Token: Stripe's `shared_payment.issued_token`. */
export interface Token {
  readonly id: string
  /** `active`, `requires_action`, `deactivated`, or a future status. Only `active` is usable. */
  readonly status: string
  readonly livemode?: boolean | undefined
  readonly seller?: string | undefined
  readonly currency?: string | undefined
  readonly most?: bigint | undefined
  /** In seconds. */
  readonly expiresAt?: number | undefined
  /** The amount that the seller has taken so far; absent if Stripe does not report it. */
  readonly captured?: { readonly currency: string; readonly value: bigint } | undefined
  /** The reason of a deactivation: `consumed`, `expired`, `resolved`, `revoked`. */
  readonly reason?: string | undefined
  /** The action that a person must take before it can be charged. */
  readonly action?: NextAction | undefined
}

const ID = /^spt_[A-Za-z0-9_]{1,250}$/

export function isTokenId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value)
}

/** Reads a token. Undefined if the value is not one. */
export function readToken(value: unknown): Token | undefined {
  if (!isObject(value)) return undefined
  const { id, status, livemode } = value
  if (!isTokenId(id) || typeof status !== 'string') return undefined
  const limits = objectAt(value, 'usage_limits')
  const { max_amount: most, expires_at: expiresAt } = limits
  return {
    id,
    status,
    livemode: typeof livemode === 'boolean' ? livemode : undefined,
    seller: textAt(objectAt(value, 'seller_details'), 'network_business_profile'),
    currency: textAt(limits, 'currency')?.toLowerCase(),
    most: isWhole(most) ? BigInt(most) : undefined,
    expiresAt: isWhole(expiresAt) ? expiresAt : undefined,
    captured: readCaptured(objectAt(value, 'usage_details')['amount_captured']),
    reason: textAt(value, 'deactivated_reason'),
    action: readAction(value['next_action']),
  }
}

type Fields = Readonly<Record<string, unknown>>

/** Returns an object, or an empty one. */
function objectAt(parent: Fields, name: string): Fields {
  const value = parent[name]
  return isObject(value) ? value : {}
}

function textAt(parent: Fields, name: string): string | undefined {
  const value = parent[name]
  return typeof value === 'string' ? value : undefined
}

function readCaptured(captured: unknown): Token['captured'] {
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
