// Paying by card: a Shared Payment Token for each purchase, made for one amount and one seller; a person acts once.
// Run: npx tsx examples/stripe.ts
import { createPurser, formatAmount } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { stripe } from 'purser/wallet/stripe'
import Stripe from 'stripe'
import { startStripe } from '../test/stripe/double.js'
import { startShop } from '../test/stripe/shop.js'

// A stand-in for Stripe's API, and a shop that is paid through it: `/price/2.50` costs that many dollars.
const api = await startStripe()
const shop = await startShop({ double: api })

const purser = createPurser({
  wallets: [
    stripe({
      // Yours: `secretKey: process.env.STRIPE_SECRET_KEY`, or a client like this one without host and port.
      client: new Stripe('sk_test_agent', { host: api.host, port: api.port, protocol: 'http' }),
      livemode: false,
      paymentMethod: 'pm_card_authenticationRequiredOnCharge',
      returnUrl: 'https://agent.example/done',
      async onActionRequired({ action }) {
        if (action.kind === 'redirect') console.log(`please confirm at ${action.url}`)
        // Here a person follows the link. In this example they are quick.
        for (const { id, status } of api.tokens) if (status === 'requires_action') api.act(id)
      },
    }),
  ],
  policy: {
    perPayment: '5 USD',
    budgets: [{ limit: '10 USD', per: 'day' }],
    vendors: [{ origin: shop.origin }],
    networks: ['stripe:test'],
  },
  ledger: memoryLedger(),
})

const response = await purser.fetch(shop.url('/price/2.50'))
console.log(response.status, await response.text())
const payment = purser.paymentFor(response)
if (payment?.state === 'settled') console.log(`paid ${formatAmount(payment.terms.most)}: ${payment.state}`)

const dear = await purser.fetch(shop.url('/price/7.00'))
const { detail } = await dear.json()
console.log(dear.status, detail)
for (const { message } of await purser.budgets()) console.log(message)
console.log(`${api.tokens.length} token was made`)

await purser.close()
await shop.close()
await api.close()
