// A route of the Node runtime: pays for one call, with the ledger file.
import { createPurser } from 'purser'
import { sqliteLedger } from 'purser/ledger/sqlite'
import { parsePrivateKey, tempo } from 'purser/wallet/tempo'
import { privateKeyToAccount } from 'viem/accounts'

export const dynamic = 'force-dynamic'

const { AGENT_KEY, API = '', RPC, LEDGER } = process.env
let purser

export async function GET() {
  purser ??= createPurser({
    wallets: [tempo({ account: privateKeyToAccount(parsePrivateKey(AGENT_KEY)), rpc: { 4217: RPC } })],
    policy: { perPayment: '0.10 USD', budgets: [{ limit: '5 USD', per: 'day' }], vendors: [{ origin: API }] },
    ledger: sqliteLedger({ path: LEDGER }),
  })
  const reply = await purser.fetch(`${API}/tea`)
  const text = await reply.text()
  return Response.json({ status: reply.status, text, state: purser.paymentFor(reply)?.state })
}
