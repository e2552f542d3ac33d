import { pathToFileURL } from 'node:url'
import type { LightningOptions } from '../wallet/lightning/index.js'
import type { StripeTokenOptions } from '../wallet/stripe/index.js'
import { invalid } from './invalid.js'

type PayInvoice = LightningOptions['payInvoice']
type LookUpPayment = NonNullable<LightningOptions['lookUpPayment']>
type CreateToken = StripeTokenOptions['createToken']
type ReadToken = NonNullable<StripeTokenOptions['retrieveToken']>
type ShowAction = NonNullable<StripeTokenOptions['onActionRequired']>

/**
 * Loads the functions of a Lightning wallet from the user's module.
 *
 * @throws PaymentError `invalid_config` if it cannot be loaded or does not export `payInvoice`.
 */
export async function lightningFunctions(
  file: string,
): Promise<Pick<LightningOptions, 'payInvoice' | 'lookUpPayment'>> {
  const { payInvoice, lookUpPayment } = await load(file, 'lightning')
  if (!isFunction<PayInvoice>(payInvoice))
    throw invalid('The module of wallets.lightning must export the function payInvoice')
  return { payInvoice, ...(isFunction<LookUpPayment>(lookUpPayment) ? { lookUpPayment } : {}) }
}

/**
 * Loads the functions of a Stripe wallet from the user's module.
 *
 * @throws PaymentError `invalid_config` if it cannot be loaded or does not export `createToken`.
 */
export async function stripeFunctions(
  file: string,
): Promise<Pick<StripeTokenOptions, 'createToken' | 'retrieveToken' | 'revokeToken' | 'onActionRequired'>> {
  const { createToken, retrieveToken, revokeToken, onActionRequired } = await load(file, 'stripe')
  if (!isFunction<CreateToken>(createToken))
    throw invalid('The module of wallets.stripe must export the function createToken')
  return {
    createToken,
    ...(isFunction<ReadToken>(retrieveToken) ? { retrieveToken } : {}),
    ...(isFunction<ReadToken>(revokeToken) ? { revokeToken } : {}),
    ...(isFunction<ShowAction>(onActionRequired) ? { onActionRequired } : {}),
  }
}

async function load(file: string, wallet: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const loaded: unknown = await import(pathToFileURL(file).href)
    return { ...Object(loaded) }
  } catch {
    // The module's error is dropped, because it may quote secrets.
    throw invalid(`The module that wallets.${wallet} names cannot be loaded: run it by itself to see why`)
  }
}

/** Only checks the type. The wallet checks each function's results, as for any external data. */
function isFunction<F>(value: unknown): value is F {
  return typeof value === 'function'
}
