import { randomUUID } from 'node:crypto'
import type { Currency, Instant } from '../../../src/money/index.js'
import { currencyTable } from '../../../src/money/index.js'
import type { Challenge, JsonObject } from '../../../src/protocol/index.js'
import type { Prepared, Quote, QuoteContext, Unpayable, Wallet } from '../../../src/wallet/index.js'
import { authorize, CHANNELS, challenge, context, payable } from '../tempo/harness.js'

export const SELLER = 'profile_test_shop'

/** A `stripe/charge` challenge as a codec would read it: one dollar, unless it says otherwise. */
export function offer(request: JsonObject = {}, more: Partial<Challenge> = {}): Challenge {
  const base = {
    amount: '100',
    currency: 'usd',
    methodDetails: { networkId: SELLER, paymentMethodTypes: ['card'] },
  }
  return challenge({ ...base, ...request }, { kind: 'stripe/charge', ...more })
}

/** The same, with these details beside the seller. */
export function offerWith(details: JsonObject, more: Partial<Challenge> = {}): Challenge {
  return offer({ methodDetails: { networkId: SELLER, paymentMethodTypes: ['card'], ...details } }, more)
}

export function stripeContext(more: Partial<QuoteContext> = {}, own: readonly Currency[] = []): QuoteContext {
  return context({ currencies: currencyTable(own), ...more })
}

export function ask(
  wallet: Wallet,
  asked: Challenge,
  more?: Partial<QuoteContext>,
): Promise<Quote | Unpayable> {
  return wallet.quote(asked, stripeContext(more))
}

export interface Ready extends Prepared {
  readonly quote: Quote
}

/** Quote and prepare. */
export async function ready(
  wallet: Wallet,
  asked = offer(),
  more: Partial<QuoteContext> = {},
): Promise<Ready> {
  const { now = Date.now() } = more
  const quote = payable(await ask(wallet, asked, more))
  const options = more.bounds === undefined ? { now } : { now, bounds: more.bounds }
  const prepared = await wallet.prepare(authorize(quote, options), { now, channels: CHANNELS })
  return { ...prepared, quote }
}

export const deliver = async (): Promise<never> => {
  throw new Error('a charge delivers nothing beside its credential')
}

/** A token as Stripe says it. */
export function token(more: JsonObject = {}): JsonObject {
  return {
    id: `spt_${randomUUID().replaceAll('-', '')}`,
    object: 'shared_payment.issued_token',
    status: 'active',
    livemode: false,
    seller_details: { network_business_profile: SELLER, external_id: null },
    usage_limits: { currency: 'usd', max_amount: 100, expires_at: null },
    usage_details: { amount_captured: null },
    next_action: null,
    deactivated_reason: null,
    ...more,
  }
}

export interface Asked {
  readonly method: string
  readonly path: string
  readonly params: Record<string, unknown>
  readonly options: Record<string, unknown>
}

/** A client that answers what it is told, and keeps what it was asked. */
export function scripted(answer: (asked: Asked) => unknown) {
  const log: Asked[] = []
  return {
    log,
    async rawRequest(
      method: string,
      path: string,
      params: Record<string, unknown> = {},
      options: Record<string, unknown> = {},
    ): Promise<unknown> {
      const asked = { method, path, params, options }
      log.push(asked)
      return answer(asked)
    },
  }
}

/** An error as stripe-node throws it, with everything that must not get out. */
export function stripeError(more: Record<string, unknown> = {}): Error {
  return Object.assign(
    new Error(`Invalid API Key provided: ${SECRETS[0]}, for ${SECRETS[1]} and ${SECRETS[2]}`),
    {
      type: 'StripeInvalidRequestError',
      rawType: 'invalid_request_error',
      statusCode: 400,
      headers: { authorization: `Bearer ${SECRETS[0]}`, date: new Date().toUTCString() },
      raw: { message: `No such token: '${SECRETS[2]}'`, payment_method: SECRETS[1] },
      ...more,
    },
  )
}

export const SECRETS = ['sk_test_verysecretkey', 'pm_verysecretmethod', 'spt_verysecrettoken'] as const

export function clockAt(start: Instant): { now: () => Instant; pass(ms: number): void } {
  let at = start
  return {
    now: () => at,
    pass: (ms) => {
      at += ms
    },
  }
}
