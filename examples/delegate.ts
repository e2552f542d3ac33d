// An agent that never sees the key of the account: its owner turns the policy into an access key, whose limits the chain
// holds whatever code the key runs in.
// Run: npx tsx examples/delegate.ts
import { createPurser, formatAmount, type PolicyDocument } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import type { Delegation } from 'purser/policy'
import { tempo, tempoKeys } from 'purser/wallet/tempo'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { startLocal } from './support.js'

const local = await startLocal()
const { rpc, currencies } = local

const policy: PolicyDocument = {
  perPayment: '0.10 USD',
  budgets: [{ limit: '0.50 USD', per: 'day' }],
  vendors: [{ origin: local.api, payees: [local.payee] }],
  networks: [local.network],
}

// The agent makes its key and shows the address; the secret never leaves it.
const agentKey = privateKeyToAccount(generatePrivateKey())

// The owner's script, where the key of the account is kept.
const keys = tempoKeys({ account: local.account, chain: 31337, rpc, currencies })
await authorize(agentKey.address)

async function authorize(key: string): Promise<void> {
  const owner = createPurser({
    wallets: [tempo({ account: local.account, rpc })],
    policy,
    ledger: memoryLedger(),
    currencies,
  })
  const expires = Date.now() + 7 * 86_400_000
  const delegation = await owner.delegate({ keys, key, expires, tokens: [local.dollar] })
  show(delegation)
  const { fee } = await delegation.authorize()
  console.log(`authorized for ${formatAmount(fee)}`)
  await owner.close()
}

function show({ rules, cost }: Delegation): void {
  for (const { rule, holder, message } of rules) console.log(`${holder.padEnd(6)} ${rule}: ${message}`)
  console.log(`costs at most ${formatAmount(cost)}`)
}

// The agent: the same policy, the address of the account, and a key that can do nothing else.
const purser = createPurser({
  wallets: [tempo({ account: local.account.address, accessKey: agentKey, rpc })],
  policy,
  ledger: memoryLedger(),
  currencies,
})
const response = await purser.fetch(`${local.api}/price/0.05`)
console.log(`paid: ${response.status}`)

// Later, its owner looks, and ends it.
for (const { state, limits } of await keys.list())
  if (limits !== 'none')
    console.log(`${state}: ${limits.map(({ remaining }) => formatAmount(remaining)).join()} left`)
await keys.revoke(agentKey)
console.log(`now it is ${(await keys.inspect(agentKey)).state}`)

await purser.close()
await local.close()
