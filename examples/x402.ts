// x402 on an EVM chain: an exact price by EIP-3009, and a price that is known only afterwards, held at its ceiling and
// settled at what the chain took.
// Run: npx tsx examples/x402.ts
import { createPurser, formatAmount } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { approvePermit2, evm } from 'purser/wallet/evm'
// A chain and a shop on this machine, so that this runs by itself.
import { startEvmChain } from '../test/evm/chain.js'
import { startX402Shop } from '../test/evm/shop.js'

const chain = await startEvmChain()
const shop = await startX402Shop(chain)
const account = await chain.account(1_000_000n)
const rpc = { [chain.id]: chain.url }

const purser = createPurser({
  // On Base and the like `evm({ account })` is enough: the chain's dollar and a node are known.
  wallets: [evm({ account, rpc })],
  currencies: [chain.dollar],
  policy: {
    perPayment: '0.10 USD',
    budgets: [{ limit: '1 USD', per: 'day' }],
    vendors: [{ origin: shop.origin }],
    // A test network is paid on only where a policy names it.
    networks: [chain.network],
  },
  ledger: memoryLedger(),
})

const exact = await purser.fetch(shop.url('/exact'))
console.log(`an exact price: ${exact.status} ${await exact.text()}`)

// Permit2 moves nothing that was not approved once, by you.
const early = await purser.fetch(shop.url('/upto'))
console.log(`before the approval: ${early.status}`)
await approvePermit2({ account, rpc, token: chain.dollar.id, amount: 1_000_000n })
const upto = await purser.fetch(shop.url('/upto'))
console.log(`up to a price: ${upto.status} ${await upto.text()}`)

await purser.recover({ reconcile: true })
for await (const { terms, spent, state } of purser.payments({ order: 'oldest' }))
  if (spent !== undefined)
    console.log(`${terms.kind}: ${formatAmount(spent)} of at most ${formatAmount(terms.most)}, ${state}`)
for (const { message } of await purser.budgets()) console.log(message)

await purser.close()
await shop.close()
await chain.stop()
