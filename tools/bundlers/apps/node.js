// A program of Node, bundled: pays for one call, with the ledger file.
import { createPurser } from 'purser'
import { parsePrivateKey, tempo } from 'purser/wallet/tempo'
import { privateKeyToAccount } from 'viem/accounts'

const { AGENT_KEY, API = '', RPC } = process.env
async function main() {
  const purser = createPurser({
    wallets: [tempo({ account: privateKeyToAccount(parsePrivateKey(AGENT_KEY)), rpc: { 4217: RPC } })],
    policy: { perPayment: '0.10 USD', budgets: [{ limit: '5 USD', per: 'day' }], vendors: [{ origin: API }] },
  })
  const response = await purser.fetch(`${API}/tea`)
  console.log(response.status, await response.text(), purser.paymentFor(response)?.state)
  await purser.close()
}
main()
