// Many calls out of one deposit: the first opens a channel, all others pay with the request itself.
// Run: npx tsx examples/session.ts
import { createPurser, formatAmount } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { tempoSession } from 'purser/session'
import { startSessions } from './support.js'

// A local chain, and a server that is paid by sessions: `/paid` costs 0.01 USD a call.
const local = await startSessions()
const { server, account, rpc } = local

const purser = createPurser({
  agent: 'researcher',
  wallets: [tempoSession({ account, rpc, deposit: '0.50' })],
  policy: {
    perPayment: '0.01 USD',
    maxFee: '0.10 USD',
    deposits: '1 USD',
    budgets: [{ limit: '0.60 USD', per: 'day' }],
    vendors: [{ origin: server.origin }],
    networks: [local.network],
  },
  currencies: local.currencies,
  ledger: memoryLedger(),
})

// In parallel, too: calls take turns on the channel, and nobody waits for anybody's body.
const replies = await Promise.all(Array.from({ length: 20 }, () => purser.fetch(server.url('/paid'))))
console.log(`${replies.filter(({ ok }) => ok).length} of ${replies.length} calls answered`)

for (const session of await purser.sessions.list()) {
  const { signed, deposit, unspent } = session
  console.log(`${formatAmount(signed)} of ${formatAmount(deposit)} spent, ${formatAmount(unspent)} locked up`)
  const closed = await purser.sessions.close(session.id)
  console.log(`${closed.state}: ${formatAmount(closed.unspent)} locked up`)
}

await purser.close()
await local.close()
