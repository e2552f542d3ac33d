// A model's answer, paid for token by token while it is read, and no further than this call may cost.
// Run: npx tsx examples/stream-session.ts
import { createPurser, formatAmount } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { tempoSession } from 'purser/session'
import { startSessions } from './support.js'

// A local chain, and a server that streams: each of the ten events of `/stream/10` costs 0.001 USD.
const local = await startSessions({ price: '0.001' })
const { server, account, rpc } = local

const purser = createPurser({
  agent: 'reader',
  wallets: [tempoSession({ account, rpc, deposit: '0.05' })],
  policy: {
    perPayment: '0.001 USD',
    maxFee: '0.10 USD',
    deposits: '1 USD',
    budgets: [{ limit: '1 USD', per: 'day' }],
    vendors: [{ origin: server.origin }],
    networks: [local.network],
  },
  currencies: local.currencies,
  ledger: memoryLedger(),
})

const answer = await purser.fetch(server.url('/stream/10'), { payment: { task: 'summary' } })
const tokens = (await answer.text()).split('\n').filter((line) => line.startsWith('data: '))
console.log(`${tokens.length} events, and nothing about money among them`)

let payments = 0
for await (const { state } of purser.payments({ task: 'summary' })) if (state === 'settled') payments++
const [session] = await purser.sessions.list()
console.log(`${payments} payments, ${formatAmount(session?.signed ?? answerless())} in all`)
await purser.sessions.close(session?.id ?? '')

await purser.close()
await local.close()

function answerless(): never {
  throw new TypeError('no session was opened')
}
