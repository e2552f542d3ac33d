import { type Amount, amount, type Currency, fiat } from '../money/index.js'
import { type Challenge, type Json, type JsonObject, x402Network } from '../protocol/index.js'
import { isObject } from '../util/objects.js'
import type { QuoteContext, Unpayable } from '../wallet/index.js'
import { STRIPE_NETWORK, USDC } from './rails.js'

/** What an offer asks for, read from its own parameters. */
export interface AskedPrice {
  readonly price: Amount
  readonly payee: string
  readonly on: string
}

/** Reads an offer of any kind that the test wallet pays. */
export function readOffer(
  { kind, request }: Challenge,
  { currencies }: QuoteContext,
): AskedPrice | Unpayable {
  const details = isJsonObject(request['methodDetails']) ? request['methodDetails'] : {}
  const tokenOn = (on: string, address: string): Currency | undefined =>
    currencies.token(on, address) ?? (USDC.id === `${on}/erc20:${address.toLowerCase()}` ? USDC : undefined)
  switch (kind) {
    case 'tempo/session':
    case 'tempo/charge': {
      const on = `eip155:${Number(details['chainId'] ?? Number.NaN)}`
      return asked(request['amount'], tokenOn(on, text(request, 'currency')), text(request, 'recipient'), on)
    }
    case 'stripe/charge': {
      const code = text(request, 'currency').toUpperCase()
      const currency = currencies.get(`iso4217:${code}`) ?? (code.length === 3 ? fiat(code, 2) : undefined)
      return asked(request['amount'], currency, text(details, 'networkId'), STRIPE_NETWORK)
    }
    default: {
      const on = x402Network(text(request, 'network')) ?? ''
      const value = request['amount'] ?? request['maxAmountRequired']
      return asked(value, tokenOn(on, text(request, 'asset')), text(request, 'payTo'), on)
    }
  }
}

function asked(value: Json | undefined, currency: Currency | undefined, payee: string, on: string) {
  if (typeof value !== 'string' || !/^[1-9][0-9]{0,30}$/.test(value))
    return { unpayable: 'The amount is not a whole number above zero' }
  if (currency === undefined)
    return { unpayable: 'The currency is unknown', code: 'unknown_currency' } as const
  if (payee === '') return { unpayable: 'No recipient is named' }
  return { price: amount(BigInt(value), currency), payee, on }
}

function text(record: JsonObject, name: string): string {
  const value = record[name]
  return typeof value === 'string' ? value : ''
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return isObject(value)
}
