// The Anthropic SDK, paying per call: the purser's fetch goes into its `fetch` option.
// Run: npx tsx examples/anthropic.ts
import Anthropic from '@anthropic-ai/sdk'
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

const client = new Anthropic({ apiKey: 'paid per call', baseURL: local.models, fetch: purser.fetch })
const message = await client.messages.create({
  model: 'small',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'How is tea made?' }],
})
for (const block of message.content) if (block.type === 'text') console.log(block.text)
for await (const { terms, state } of purser.payments())
  console.log(`paid ${formatAmount(terms.most)}: ${state}`)

await purser.close()
await local.close()
