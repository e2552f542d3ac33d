import { numberToHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { evidenceOf } from '../../src/session/evidence.js'
import { tempoSession } from '../../src/session/index.js'
import { recordOf } from '../../src/session/record.js'
import { alphaUSD, KEYS } from '../chain/chain.js'
import { opening, v2 } from './parts.js'

// A channel is at one address, on one chain. On any other one it was never opened, and nothing of it was ever included.

const word = (value: bigint): string => numberToHex(value, { size: 32 }).slice(2)
const BLOCK = { number: '0x9', hash: `0x${word(1n)}`, timestamp: '0x5000' }

/** A node that knows of nothing, and whose last block is long past the channel's time. */
function knowsNothing(chainId: number): typeof globalThis.fetch {
  const results: Readonly<Record<string, unknown>> = {
    eth_chainId: numberToHex(chainId),
    eth_getTransactionReceipt: null,
    eth_getStorageAt: `0x${word(0n)}`,
    eth_call: `0x${word(0n).repeat(3)}`,
    eth_getLogs: [],
  }
  return async (_, init) => {
    const { id, method, params } = JSON.parse(String(init?.body))
    const at = params[0] === '0x0' ? { ...BLOCK, number: '0x0', timestamp: '0x1' } : BLOCK
    const block = { ...at, ...(String(params[0]).startsWith('0x') ? { number: params[0] } : {}) }
    const early = Number(block.number) < 9 ? { ...block, timestamp: '0x1' } : block
    const result = method === 'eth_getBlockByNumber' ? early : results[method]
    return Response.json({ jsonrpc: '2.0', id, result })
  }
}

function walletOn(chainId: number) {
  const account = privateKeyToAccount(KEYS[0])
  return tempoSession({ account, rpc: { 31337: 'http://node.example' }, fetch: knowsNothing(chainId) })
}

const { pending, lane, slot, openedAt } = opening
const sending = { ...pending, hash: `0x${word(7n)}` as const, feeCurrency: alphaUSD }
const detail = { form: 'open', lane, slot, identity: v2, currency: alphaUSD, openedAt, sending } as const

test('a node of the chain proves that a channel was never opened, a node of another chain does not', async () => {
  const evidence = evidenceOf('tempo-session:0x1', 'c', { ...detail, total: 10n, price: 10n })
  expect(await walletOn(31337).inspect(evidence)).toMatchObject({ state: 'void', fee: { value: 0n } })
  expect(await walletOn(4217).inspect(evidence)).toMatchObject({ state: 'unknown' })
  expect(await walletOn(4217).inspect(evidence)).not.toHaveProperty('fee')
})

test('a node of another chain does not prove that a deposit was returned', async () => {
  for (const [chainId, state] of [
    [4217, 'opening'],
    [31337, 'closed'],
  ] as const) {
    const channels = memoryLedger()
    const wallet = walletOn(chainId)
    await channels.putChannel({ ...recordOf({ ...opening, wallet: wallet.id }, 0) })
    const [channel] = await channels.channels({ slot })
    if (channel === undefined) throw new Error('no channel')
    await wallet.inspectChannel(channel, channels)
    expect(await channels.channels({ slot })).toMatchObject([{ state }])
  }
})
