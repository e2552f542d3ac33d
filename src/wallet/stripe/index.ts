export type { StripeClient, TokenRequest } from './issuer.js'
export type {
  ActionRequest,
  StripeClientOptions,
  StripeKeyOptions,
  StripeOptions,
  StripeTokenOptions,
} from './options.js'
export { stripe } from './stripe.js'
