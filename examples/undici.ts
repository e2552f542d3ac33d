// undici's own `request`: a purser as an interceptor, so that every request through this dispatcher may pay.
// Run: npx tsx examples/undici.ts
import { createPurser, formatAmount } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { purserInterceptor, replyBehind } from 'purser/undici'
import { tempo } from 'purser/wallet/tempo'
import { Agent, request } from 'undici'
import { startLocal } from './support.js'

const local = await startLocal()
const purser = createPurser({
  agent: 'crawler',
  wallets: [tempo({ account: local.account, rpc: local.rpc })],
  policy: {
    perPayment: '0.10 USD',
    budgets: [{ limit: '1 USD', per: 'day' }],
    vendors: [{ origin: local.api }],
    networks: [local.network],
  },
  currencies: local.currencies,
  ledger: memoryLedger(),
})

const dispatcher = new Agent().compose(purserInterceptor(purser))
const data = await request(`${local.api}/paid`, { dispatcher })
console.log(data.statusCode, await data.body.text())

const payment = purser.paymentFor(replyBehind(data) ?? data)
if (payment?.state === 'settled') console.log(`paid ${formatAmount(payment.terms.most)}: ${payment.state}`)

await dispatcher.close()
await purser.close()
await local.close()
