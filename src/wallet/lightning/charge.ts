import type { JsonObject } from '../../protocol/index.js'
import { isObject } from '../../util/objects.js'
import type { Unpayable } from '../index.js'
import { type Invoice, readInvoice } from './invoice.js'

/** A charge of the server: its decoded invoice, checked against the request. */
export interface Charge {
  readonly invoice: Invoice
}

const SATS = /^[1-9][0-9]{0,15}$/

const unpayable = (why: string): Unpayable => ({
  unpayable: `This Lightning charge cannot be paid: ${why}`,
  code: 'wallet_failed',
})

/**
 * Reads a `lightning/charge` request. The invoice is what the node pays, so the other fields of the request must agree
 * with it (draft-lightning-charge-00, Method Details).
 */
export function readCharge(request: JsonObject): Charge | Unpayable {
  const { amount, currency, recipient, methodDetails: details } = request
  if (typeof amount !== 'string' || !SATS.test(amount))
    return unpayable('its amount is not a number of satoshis')
  if (currency !== 'sat') return unpayable('it is not in satoshis')
  if (!isObject(details) || typeof details['invoice'] !== 'string') return unpayable('it has no invoice')
  const invoice = readInvoice(details['invoice'])
  if ('unreadable' in invoice) return unpayable(invoice.unreadable)
  // A fraction of a satoshi would be paid on top of the price, or be missing from it.
  if (invoice.msat !== BigInt(amount) * 1_000n) return unpayable('its invoice has another amount')
  const { paymentHash = invoice.hash, network = invoice.network } = details
  if (paymentHash !== invoice.hash) return unpayable('its invoice has another payment hash')
  if (network !== invoice.network) return unpayable('its invoice is for another network')
  // A recipient is rarely present and may be a name. A node key must be the invoice's signer.
  const key = typeof recipient === 'string' && /^0[23][0-9a-f]{64}$/i.test(recipient) ? recipient : undefined
  if (key !== undefined && key.toLowerCase() !== invoice.payee)
    return unpayable('its invoice pays another node than the recipient')
  return { invoice }
}
