// An MCP client whose tools cost money: every paid call is paid inside the policy, and a call that costs nothing is not touched.
// Run: npx tsx examples/mcp.ts
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createPurser, formatAmount, isPaymentError } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { payingClient } from 'purser/mcp'
import { tempo } from 'purser/wallet/tempo'
import { startMcp } from './support.js'

const local = await startMcp()
const purser = createPurser({
  agent: 'researcher',
  wallets: [tempo({ account: local.account, rpc: local.rpc })],
  policy: {
    perPayment: '0.10 USD',
    budgets: [{ limit: '1 USD', per: 'day' }],
    // The name is yours: the server cannot choose it.
    vendors: [{ origin: 'mcp:search', tools: ['search', 'resource:docs://*'] }],
    networks: [local.network],
  },
  currencies: local.currencies,
  ledger: memoryLedger(),
})

const client = payingClient(new Client({ name: 'researcher', version: '1' }), purser, { server: 'search' })
await client.connect(new StreamableHTTPClientTransport(local.url))

const result = await client.callTool({ name: 'search', arguments: { query: 'tea' } })
console.log(JSON.stringify(result.structuredContent))
const payment = purser.paymentFor(result)
if (payment?.state === 'settled') console.log(`paid ${formatAmount(payment.terms.most)}: ${payment.state}`)

const { contents } = await client.readResource({ uri: 'docs://tea' })
console.log(`${contents.length} page`)

try {
  await client.getPrompt({ name: 'greet' })
} catch (error) {
  // The policy lists no prompt.
  if (isPaymentError(error)) console.log(`${error.name}: ${error.code}, funds ${error.funds}`)
}

await client.close()
await purser.close()
await local.close()
