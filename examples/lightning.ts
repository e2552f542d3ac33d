// A wallet for another rail: a shop that sells for Lightning, paid by a node of yours within a budget in dollars.
// Run: npx tsx examples/lightning.ts
import { createPurser, formatAmount } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { bitcoin, lightning } from 'purser/wallet/lightning'
// A shop and a node on this machine, so that this runs by itself.
import { Node } from '../test/lightning/network.js'
import { startShop } from '../test/lightning/shop.js'

const shop = await startShop({ sats: 100 })
const node = new Node(shop.payee)

const coin = bitcoin('regtest')
const purser = createPurser({
  wallets: [
    lightning({
      node: 'alice',
      network: 'regtest',
      // With LND, Core Lightning or Nostr Wallet Connect this is one call of their client each. `maxFeeMsat` goes along as
      // a hard limit; `failed` is only for what the node itself calls failed for good.
      payInvoice: ({ invoice, paymentHash, amountMsat, maxFeeMsat, until, signal }) =>
        node.pay({ invoice, paymentHash, amountMsat, maxFeeMsat, until, signal }),
      lookUpPayment: (paymentHash) => node.lookUp(paymentHash),
      maxFee: { sats: 5n, partsPerMillion: 5_000n },
    }),
  ],
  policy: {
    perPayment: '0.20 USD',
    maxFee: '0.01 USD',
    budgets: [{ limit: '1 USD', per: 'day' }],
    vendors: [{ origin: shop.origin }],
    // A test network is paid on only where a policy names it.
    networks: ['bip122:0f9188f13cb7b2c71f2a335e3a4fc328'],
  },
  currencies: [coin],
  // What one bitcoin is at most worth: without this, nothing in bitcoin could be counted, so nothing would be paid.
  rates: { [coin.id]: '100000' },
  ledger: memoryLedger(),
})

const response = await purser.fetch(`${shop.origin}/tea`)
console.log(response.status, await response.text())
await purser.recover({ reconcile: true })
for await (const payment of purser.payments())
  if (payment.spent !== undefined && payment.fee !== undefined)
    console.log(`paid ${formatAmount(payment.spent)}, and ${formatAmount(payment.fee)} for the way`)
for (const { message } of await purser.budgets()) console.log(message)

await purser.close()
await shop.close()
