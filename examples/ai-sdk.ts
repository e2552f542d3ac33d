// The AI SDK, paying per call: the purser's fetch goes into a provider's `fetch` option.
// Run: npx tsx examples/ai-sdk.ts
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText } from 'ai'
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
    perTask: '0.10 USD',
    budgets: [{ limit: '1 USD', per: 'day' }],
    vendors: [{ origin: local.models, paths: ['/v1/**'] }],
    networks: [local.network],
  },
  currencies: local.currencies,
  ledger: memoryLedger(),
})

// One provider per task: what it spends counts there, and cannot leave it.
const task = purser.with({ task: 'tea-article' })
const provider = createOpenAICompatible({ name: 'local', baseURL: `${local.models}/v1`, fetch: task.fetch })
const { text } = await generateText({ model: provider('small'), prompt: 'How is tea made?' })
console.log(text)
for await (const { terms, state } of purser.payments({ task: 'tea-article' }))
  console.log(`paid ${formatAmount(terms.most)}: ${state}`)

await purser.close()
await local.close()
