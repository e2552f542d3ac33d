// A paid WebSocket: each message is paid for out of one deposit, as it is read. Node 20 needs a WebSocket from elsewhere.
// Run: npx tsx examples/socket-session.ts
import { createPurser, formatAmount } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { openSocket, tempoSession } from 'purser/session'
import { WebSocket } from 'ws'
import { startSessions } from './support.js'

// A local chain, and a server of paid sockets: `/socket/5` sends five messages, 0.01 USD each.
const local = await startSessions()
const { server, account, rpc } = local

const purser = createPurser({
  agent: 'listener',
  wallets: [tempoSession({ account, rpc, deposit: '0.50' })],
  policy: {
    perPayment: '0.01 USD',
    maxFee: '0.10 USD',
    deposits: '1 USD',
    budgets: [{ limit: '1 USD', per: 'day' }],
    vendors: [{ origin: server.origin }],
    networks: [local.network],
  },
  currencies: local.currencies,
  ledger: memoryLedger(),
})

const socket = await openSocket(purser, server.socketUrl('/socket/5'), {
  WebSocket,
  payment: { maxAmount: '0.04' },
})
try {
  for await (const message of socket) console.log(message)
} catch (error) {
  // The fifth message would have cost more than this socket may.
  console.log(String(error))
}

for (const session of await purser.sessions.list()) {
  console.log(`${session.state}: ${formatAmount(session.signed)} of ${formatAmount(session.deposit)} spent`)
  const { state } = await purser.sessions.close(session.id)
  console.log(`${state}: the rest is back`)
}

await purser.close()
await local.close()
