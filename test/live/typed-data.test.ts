import { createWalletClient, custom, encodeFunctionData, maxUint256, parseAbi } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { PERMIT2 } from '../../src/wallet/evm/typed.js'
import { KEYS } from '../chain/chain.js'
import { makeBuyer } from '../evm/buyer.js'
import { type EvmChain, startEvmChain } from '../evm/chain.js'
import { PRICE, startX402Shop, type X402Shop } from '../evm/shop.js'
import { only } from './world.js'

// A wallet behind EIP-1193: the node holds the key, and signs typed data and nothing else. The reference server of x402
// settles what it signed, and the balances are read from the chain.

const FUNDS = 1_000_000n
const abi = parseAbi([
  'function mint(address to, uint256 value)',
  'function approve(address spender, uint256 value) returns (bool)',
])

let chain: EvmChain
let shop: X402Shop
beforeAll(async () => {
  chain = await startEvmChain()
  shop = await startX402Shop(chain)
})
afterAll(async () => {
  await shop?.close()
  await chain?.stop()
})

/** A buyer whose account is one of the node's own, as `docs/wallets.md` says to make it. */
async function buyerBehind(key: (typeof KEYS)[number]) {
  const local = privateKeyToAccount(key)
  const { address } = local
  const mint = encodeFunctionData({ abi, functionName: 'mint', args: [address, FUNDS] })
  await chain.send(chain.facilitator, chain.dollarAddress, mint)
  const asked: string[] = []
  const client = createWalletClient({
    transport: custom({
      async request({ method, params }) {
        asked.push(method)
        if (method !== 'eth_signTypedData_v4') throw new Error(`The wallet does not support ${method}`)
        return chain.rpc(method, params)
      },
    }),
  })
  const made = await makeBuyer(chain, {
    origins: [shop.origin],
    account: local,
    wallet: {
      account: { address, signTypedData: (data) => client.signTypedData({ account: address, ...data }) },
    },
  })
  onTestFinished(() => made[Symbol.asyncDispose]())
  /** What its owner does in the wallet's own page. */
  const approve = async () => {
    const data = encodeFunctionData({ abi, functionName: 'approve', args: [PERMIT2, maxUint256] })
    await chain.rpc('eth_sendTransaction', [{ from: address, to: chain.dollarAddress, data }])
  }
  const earned = await earnings()
  return { ...made, asked, approve, earned: async () => (await earnings()) - earned }
}

const earnings = () => chain.balanceOf(chain.payee)

describe('an account that signs typed data only', () => {
  test('pays by EIP-3009, and the money is where it belongs', async () => {
    const b = await buyerBehind(KEYS[4])
    const reply = await b.purser.fetch(shop.url('/exact'), { method: 'POST', body: 'two lumps' })
    expect([reply.status, await reply.text()]).toEqual([200, 'tea'])
    expect([await b.left(), await b.earned(), await b.booked()]).toEqual([PRICE, PRICE, PRICE])
    expect(b.asked).toEqual(['eth_signTypedData_v4'])
    expect(only(await b.payments())).toMatchObject({ state: 'settled', proof: 'receipt', delivered: true })
  })

  test('pays by Permit2 once its owner has approved that, and not before', async () => {
    const b = await buyerBehind(KEYS[5])
    const refused = await b.purser.fetch(shop.url('/permit2'))
    expect(refused.status).toBe(402)
    expect(await refused.text()).toContain('approvePermit2')
    expect([await b.left(), b.asked]).toEqual([0n, []])
    await b.approve()
    expect((await b.purser.fetch(shop.url('/permit2'))).status).toBe(200)
    expect([await b.left(), await b.earned(), await b.booked()]).toEqual([PRICE, PRICE, PRICE])
    expect(b.asked).toEqual(['eth_signTypedData_v4'])
  })
})
