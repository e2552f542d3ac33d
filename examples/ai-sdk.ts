// The AI SDK, paying per call: the purser's fetch goes into a provider's `fetch` option.
// It needs no chain: the vendor and the wallet are those of purser/testing.
// Run: npx tsx examples/ai-sdk.ts
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText } from 'ai'
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
    perTask: '0.10 USD',
    budgets: [{ limit: '1 USD', per: 'day' }],
    vendors: [{ origin: 'https://models.example', paths: ['/v1/**'] }],
  },
  ledger: memoryLedger(),
})

// One provider per task: what it spends counts there, and cannot leave it.
const task = purser.with({ task: 'tea-article' })
const provider = createOpenAICompatible({
  name: 'models',
  baseURL: 'https://models.example/v1',
  fetch: task.fetch,
})
const { text } = await generateText({ model: provider('small'), prompt: 'How is tea made?' })
console.log(text)
for await (const { terms, state } of purser.payments({ task: 'tea-article' }))
  console.log(`paid ${formatAmount(terms.most)}: ${state}`)

await purser.close()
models.close()
