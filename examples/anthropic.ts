// The Anthropic SDK, paying per call: the purser's fetch goes into its `fetch` option.
// It needs no chain: the vendor and the wallet are those of purser/testing.
// Run: npx tsx examples/anthropic.ts
import Anthropic from '@anthropic-ai/sdk'
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

const client = new Anthropic({
  apiKey: 'paid per call',
  baseURL: 'https://models.example',
  fetch: purser.fetch,
})
const message = await client.messages.create({
  model: 'small',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'How is tea made?' }],
})
for (const block of message.content) if (block.type === 'text') console.log(block.text)
for await (const { terms, state } of purser.payments())
  console.log(`paid ${formatAmount(terms.most)}: ${state}`)

await purser.close()
models.close()
