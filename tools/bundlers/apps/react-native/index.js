// What a program of React Native would do, for a context that has nothing of Node.
import { createPurser } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { sqliteLedger } from 'purser/ledger/sqlite'
import { parsePrivateKey, tempo } from 'purser/wallet/tempo'
import { privateKeyToAccount } from 'viem/accounts'

const words = (work) => {
  try {
    return work()
  } catch (error) {
    return error.message
  }
}

globalThis.answer = async ({ AGENT_KEY, API, RPC }) => {
  const options = {
    wallets: [tempo({ account: privateKeyToAccount(parsePrivateKey(AGENT_KEY)), rpc: { 4217: RPC } })],
    policy: { perPayment: '0.10 USD', budgets: [{ limit: '5 USD', per: 'day' }], vendors: [{ origin: API }] },
  }
  const unnamed = words(() => createPurser(options) && 'a purser without a ledger of a name')
  const sqlite = words(() => sqliteLedger() && 'a ledger file')
  const purser = createPurser({ ...options, ledger: memoryLedger() })
  const plain = await purser.fetch(`${API}/tea`)
  const text = await plain.text()
  const made = await purser.fetch(`${API}/cake`, { method: 'POST', body: 'please' })
  const states = [plain, made].map((reply) => purser.paymentFor(reply)?.state)
  return JSON.stringify({ status: plain.status, text, made: made.status, states, unnamed, sqlite })
}
