import { describe, expect, it } from 'vitest'
import { word } from '../../../src/wallet/chain/index.js'
import { evm } from '../../../src/wallet/evm/index.js'
import { account, entry, NOW, PAYEE, sign, USDC, x402 } from './harness.js'

const SIGNED_S = NOW / 1000
const USED = '0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5'
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const HASH = `0x${'11'.repeat(32)}`
const KEEPER = `0x${'fe'.repeat(20)}`

type Answer = (method: string, params: readonly unknown[]) => unknown
const numeral = (value: number): string => `0x${value.toString(16)}`

/** A wallet whose only node answers like this. */
function walletAt(answer: Answer) {
  return evm({
    account,
    now: () => NOW + 120_000,
    fetch: async (_url, init) => {
      const { method, params } = JSON.parse(String(init?.body))
      const result = answer(method, params)
      return Response.json({
        jsonrpc: '2.0',
        id: 1,
        ...(result === undefined ? { error: { code: -1 } } : { result }),
      })
    },
  })
}

/** A chain of a block a second, of which `newest` is final, at two minutes after the signature. */
function chainOf(newest: number, more: Answer): Answer {
  const block = (number: number) => ({
    number: numeral(number),
    hash: word(BigInt(number)),
    timestamp: numeral(SIGNED_S + 120 - (newest - number)),
  })
  return (method, params) => {
    if (method !== 'eth_getBlockByNumber') return more(method, params)
    const [at] = params
    return block(at === 'latest' || at === 'finalized' ? newest : Number(at))
  }
}

const transfer = (to: string, value: bigint) => ({
  address: USDC,
  topics: [TRANSFER, word(account.address), word(`0x${to.slice(2)}`)],
  data: word(value),
  transactionHash: HASH,
})

/** A node that shows the nonce used by one transaction with these transfers. */
const showing =
  (...transfers: readonly ReturnType<typeof transfer>[]): Answer =>
  (method, params) => {
    if (method === 'eth_chainId') return numeral(8453)
    if (method === 'eth_call') return word(1n)
    if (method === 'eth_getLogs') {
      const [{ topics }] = JSON.parse(JSON.stringify(params))
      return topics[0] === USED ? [{ address: USDC, topics, data: '0x', transactionHash: HASH }] : []
    }
    if (method !== 'eth_getTransactionReceipt') return undefined
    return {
      status: '0x1',
      blockNumber: numeral(90),
      blockHash: word(90n),
      gasUsed: '0x1',
      effectiveGasPrice: '0x1',
      logs: transfers,
    }
  }

const evidence = async () =>
  (
    await sign(
      walletAt(() => undefined),
      x402(entry({ amount: '10000' })),
    )
  ).evidence

describe('an authorization of a token that keeps a part of what it moves', () => {
  it('is settled: all of it has left', async () => {
    const wallet = walletAt(chainOf(1_000, showing(transfer(PAYEE, 9_900n), transfer(KEEPER, 100n))))
    expect(await wallet.inspect(await evidence())).toEqual({ state: 'settled', reference: HASH })
  })

  it('is void where less has left, or all of it to others: another credential took its nonce', async () => {
    for (const logs of [[transfer(PAYEE, 9_900n)], [transfer(KEEPER, 10_000n)]]) {
      const wallet = walletAt(chainOf(1_000, showing(...logs)))
      expect(await wallet.inspect(await evidence())).toMatchObject({ state: 'void' })
    }
  })
})

describe('a node that would be searched endlessly', () => {
  it('since it shows one block for every other, gives no answer', async () => {
    const one = { number: numeral(1_000), hash: word(1n), timestamp: numeral(SIGNED_S) }
    const used: Answer = (method) => (method === 'eth_getBlockByNumber' ? one : word(1n))
    expect(await walletAt(used).inspect(await evidence())).toMatchObject({ state: 'unknown' })
  })

  it('since it has more blocks than any chain, is left after a while', async () => {
    let searches = 0
    const endless: Answer = (method) => {
      if (method === 'eth_getLogs') searches++
      return method === 'eth_getLogs' ? [] : word(1n)
    }
    const blocks: Answer = (method, params) => {
      if (method !== 'eth_getBlockByNumber') return endless(method, params)
      const number = params[0] === 'latest' || params[0] === 'finalized' ? 2 ** 50 : Number(params[0])
      return {
        number: numeral(number),
        hash: word(1n),
        timestamp: numeral(number === 2 ** 50 ? SIGNED_S + 120 : SIGNED_S),
      }
    }
    expect(await walletAt(blocks).inspect(await evidence())).toMatchObject({ state: 'unknown' })
    expect(searches).toBeLessThanOrEqual(500)
  })
})
