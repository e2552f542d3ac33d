import { expect, it } from 'vitest'
import { chainCheck } from '../../../src/wallet/chain/chain-check.js'
import type { Node } from '../../../src/wallet/chain/rpc.js'

/** A node that names this chain, and the methods that it was asked for. */
function nodeOf(chain: () => unknown) {
  const asked: string[] = []
  const node: Node = {
    async call(method) {
      asked.push(method)
      return method === 'eth_chainId' ? chain() : '0x1'
    },
  }
  return { node, asked }
}

it('a node is asked for its chain id once, by parallel and by later calls', async () => {
  const { node, asked } = nodeOf(() => '0x1')
  const { checked, faults } = chainCheck()
  const sure = checked(node, 1)
  await Promise.all([sure.call('a', []), sure.call('b', [])])
  await sure.call('c', [])
  expect(asked).toEqual(['eth_chainId', 'a', 'b', 'c'])
  expect(faults()).toEqual([])
})

it('a node of another chain is asked for nothing else, and is used once it serves the right one', async () => {
  let chain = '0x2'
  const { node, asked } = nodeOf(() => chain)
  const { checked, faults } = chainCheck()
  const sure = checked(node, 1)
  for (let count = 0; count < 3; count++)
    await expect(sure.call('a', [])).rejects.toMatchObject({ code: 'wallet_unavailable', funds: 'untouched' })
  expect(asked).toEqual(['eth_chainId', 'eth_chainId', 'eth_chainId'])
  expect(faults().map(({ kind }) => kind)).toEqual(['node_of_another_chain'])
  chain = '0x1'
  expect(await sure.call('a', [])).toBe('0x1')
  expect(faults()).toEqual([])
})

it('a caller waits for a slow node only until its own signal aborts', async () => {
  const { node } = nodeOf(() => new Promise(() => undefined))
  const abort = new AbortController()
  const asking = chainCheck().checked(node, 1).call('a', [], abort.signal)
  abort.abort(new Error('out of patience'))
  await expect(asking).rejects.toThrow('out of patience')
})
