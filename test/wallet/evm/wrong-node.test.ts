import { describe, expect, it } from 'vitest'
import { word } from '../../../src/wallet/chain/index.js'
import { context, entry, make, payable, unpayable, x402 } from './harness.js'

const BALANCE = '0x70a08231'
const quote = (answers: Record<string, unknown>) => {
  const wallet = make({}, answers)
  return { wallet, quoted: wallet.quote(x402(entry()), context()) }
}

describe('a balance of zero', () => {
  it('is trusted if a node of the chain reports it', async () => {
    const { wallet, quoted } = quote({ [BALANCE]: word(0n) })
    expect(unpayable(await quoted).code).toBe('insufficient_funds')
    expect(wallet.nodeFaults?.()).toEqual([])
  })

  it.each([
    ['is of another chain', '0x1', 'node_of_another_chain'],
    ['names no chain', 'base', 'node_unusable'],
    ['names its chain in an unknown form', 8453, 'node_unusable'],
  ])('is not trusted if the node %s, and the fault is reported once', async (_, eth_chainId, kind) => {
    const { wallet, quoted } = quote({ eth_chainId, [BALANCE]: word(0n) })
    expect(payable(await quoted).terms.most.value).toBe(10_000n)
    expect(wallet.nodeFaults?.()).toMatchObject([{ kind }])
    expect(wallet.nodeFaults?.()).toEqual([])
  })
})
