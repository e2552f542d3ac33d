import { spendAuthorization, type Wallet } from '../index.js'
import { KIND } from './evidence.js'
import { inspectCharge } from './inspect.js'
import { configure, type LightningOptions } from './options.js'
import { prepareCharge } from './prepare.js'
import { quoteCharge } from './quote.js'
import { TriedInvoices } from './tried-invoices.js'

/**
 * Creates a wallet that pays `lightning/charge` offers through your node. It reads the invoice, checks it against the
 * request, lets the node pay it, and presents the preimage.
 *
 * @throws TypeError for malformed options; the node's name and `payInvoice` are required.
 * @see docs/wallets.md
 * @example
 * ```ts
 * import { type InvoicePayment, lightning, type LightningOutcome } from 'purser/wallet/lightning'
 *
 * declare const client: { pay(payment: InvoicePayment): Promise<LightningOutcome> }
 *
 * const wallet = lightning({ node: 'alice', payInvoice: (payment) => client.pay(payment) })
 * wallet.id // 'lightning:alice'
 * ```
 */
export function lightning(options: LightningOptions): Wallet {
  const config = configure(options)
  const triedInvoices = new TriedInvoices()
  return Object.freeze<Wallet>({
    id: config.id,
    kinds: [KIND],
    quote: async (challenge, context) => quoteCharge(challenge, context, config),
    async prepare(authorization, options) {
      return prepareCharge(spendAuthorization(authorization, options.now), options, { config, triedInvoices })
    },
    inspect: (evidence) => inspectCharge(evidence, config, triedInvoices),
    // draft-lightning-charge-00, Receipt Generation: the reference is the payment hash.
    matchesReceipt: ({ refs }, reference) => refs[1] === reference.toLowerCase(),
  })
}
