// The OpenAI SDK, paying per call: the purser's fetch goes into its `fetch` option.
// Run: npx tsx examples/openai.ts
import OpenAI from 'openai'
import { createPurser, formatAmount } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { tempo } from 'purser/wallet/tempo'
import { startLocal } from './support.js'

const local = await startLocal()
const purser = createPurser({
  agent: 'writer',
  wallets: [tempo({ account: local.account, rpc: local.rpc })],
  policy: {
    perPayment: '0.05 USD',
    budgets: [{ limit: '1 USD', per: 'day' }],
    // The SDK always sends `Authorization: Bearer …`, and this vendor wants its credential in the same header.
    vendors: [{ origin: local.models, paths: ['/v1/**'], authorization: 'replace' }],
    networks: [local.network],
  },
  currencies: local.currencies,
  ledger: memoryLedger(),
})

const client = new OpenAI({ apiKey: 'paid per call', baseURL: `${local.models}/v1`, fetch: purser.fetch })
const { data, response } = await client.chat.completions
  .create({ model: 'small', messages: [{ role: 'user', content: 'How is tea made?' }] })
  .withResponse()
console.log(data.choices[0]?.message.content)

const outcome = purser.paymentFor(response)
if (outcome?.state === 'settled') console.log(`paid ${formatAmount(outcome.terms.most)}: ${outcome.state}`)

await purser.close()
await local.close()
