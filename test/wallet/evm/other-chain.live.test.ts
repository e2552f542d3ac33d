import { afterAll, beforeAll, expect, test } from 'vitest'
import { approvePermit2, evm } from '../../../src/wallet/evm/index.js'
import { type EvmChain, startEvmChain } from '../../evm/chain.js'
import { entry, sign, x402 } from './harness.js'

let chain: EvmChain
let other: EvmChain
beforeAll(async () => {
  ;[chain, other] = await Promise.all([startEvmChain(), startEvmChain(31338)])
})
afterAll(() => Promise.all([chain?.stop(), other?.stop()]))

test('a permit is not void because a node of another chain, which has the same Permit2, never saw it', async () => {
  const payer = await chain.account(10_000_000n)
  const rpc = { [chain.id]: chain.url }
  await approvePermit2({ account: payer, rpc, token: chain.dollar.id, amount: 10n ** 18n })
  const now = (await chain.time()) * 1000
  const options = { account: payer, currencies: [chain.dollar], now: () => now }
  const offer = x402(
    entry({
      network: chain.network,
      asset: chain.dollarAddress,
      payTo: chain.payee,
      extra: { assetTransferMethod: 'permit2' },
    }),
  )
  const { evidence } = await sign(evm({ ...options, rpc }), offer, { now })
  await Promise.all([chain.mine(6, 30), other.mine(6, 60)])
  const mistaken = evm({ ...options, rpc: { [chain.id]: other.url } })
  expect(await mistaken.inspect(evidence)).toMatchObject({ state: 'unknown' })
  expect(await evm({ ...options, rpc }).inspect(evidence)).toMatchObject({ state: 'void' })
})
