// The OpenAI SDK, paying per call: the purser's fetch goes into its `fetch` option.
// It needs no chain: the vendor and the wallet are those of purser/testing.
// Run: npx tsx examples/openai.ts
import OpenAI from 'openai'
import { createPurser, formatAmount } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { testWallet } from 'purser/testing'
import { startModels } from './models.js'

const models = await startModels()
const purser = createPurser({
  agent: 'writer',
  // Yours: a wallet with money, such as tempo({ account }).
  wallets: [testWallet()],
  policy: {
    perPayment: '0.05 USD',
    budgets: [{ limit: '1 USD', per: 'day' }],
    // The SDK always sends `Authorization: Bearer …`, and this vendor wants its credential in the same header.
    vendors: [{ origin: 'https://models.example', paths: ['/v1/**'], authorization: 'replace' }],
  },
  ledger: memoryLedger(),
})

const client = new OpenAI({
  apiKey: 'paid per call',
  baseURL: 'https://models.example/v1',
  fetch: purser.fetch,
})
const { data, response } = await client.chat.completions
  .create({ model: 'small', messages: [{ role: 'user', content: 'How is tea made?' }] })
  .withResponse()
console.log(data.choices[0]?.message.content)

const outcome = purser.paymentFor(response)
if (outcome?.state === 'settled') console.log(`paid ${formatAmount(outcome.terms.most)}: ${outcome.state}`)

await purser.close()
models.close()
