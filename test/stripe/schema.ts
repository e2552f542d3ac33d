/**
 * What Stripe's API takes for Shared Payment Tokens, as Stripe publishes it: the request bodies of five operations, from
 * the preview OpenAPI description at https://github.com/stripe/openapi (preview/openapi.spec3.sdk.json, version
 * 2026-09-30.preview), with the descriptions left out. Objects travel as forms, `a[b]=c` (style deepObject).
 *
 * `additionalProperties: false` is Stripe's own on the bodies. On the objects inside them the description says nothing,
 * and the API answers `parameter_unknown`: it was added there.
 */

const text = { type: 'string', maxLength: 5000 } as const
const expand = { type: 'array', items: text } as const
const texts = { type: 'object', additionalProperties: { type: 'string' } } as const

const usageLimits = {
  type: 'object',
  required: ['currency', 'max_amount'],
  additionalProperties: false,
  properties: {
    currency: { type: 'string' },
    expires_at: { type: 'integer' },
    max_amount: { type: 'integer' },
  },
} as const

const onlyExpand = { type: 'object', additionalProperties: false, properties: { expand } } as const

/** By method and path. */
export const SCHEMAS = {
  'POST /v1/shared_payment/issued_tokens': {
    type: 'object',
    required: ['payment_method', 'seller_details', 'usage_limits'],
    additionalProperties: false,
    properties: {
      expand,
      payment_method: text,
      return_url: { type: 'string' },
      seller_details: {
        type: 'object',
        additionalProperties: false,
        properties: { external_id: text, network_business_profile: text },
      },
      setup_future_usage: { type: 'string', enum: ['on_session'] },
      shared_metadata: texts,
      usage_limits: usageLimits,
      use_stripe_sdk: { type: 'boolean' },
    },
  },
  'GET /v1/shared_payment/issued_tokens/{id}': onlyExpand,
  'POST /v1/shared_payment/issued_tokens/{id}/revoke': onlyExpand,
  'GET /v1/shared_payment/granted_tokens/{id}': onlyExpand,
  'POST /v1/test_helpers/shared_payment/granted_tokens': {
    type: 'object',
    required: ['payment_method', 'usage_limits'],
    additionalProperties: false,
    properties: {
      customer: text,
      expand,
      payment_method: text,
      shared_metadata: { anyOf: [texts, { type: 'string', enum: [''] }] },
      usage_limits: usageLimits,
    },
  },
} as const

/** An operation that the description has. */
export type Operation = keyof typeof SCHEMAS
