import { numberToHex } from 'viem'
import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../src/ledger/index.js'
import { amount } from '../../src/money/index.js'
import { readClosed } from '../../src/session/chain.js'
import { channelIdOf } from '../../src/session/identity.js'
import { combine } from '../../src/session/inspect.js'
import { alphaUSD } from '../chain/chain.js'
import { PAYEE, PAYER, TOKEN, v2 } from './parts.js'

const word = (value: string | bigint): `0x${string}` => numberToHex(BigInt(value), { size: 32 })
const CLOSED = '0x5613aed96d5bf39f928408dbe1d4143490b9bb5957eac2dd8e69b5dc4b2206e6'
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const HASH = word(7n)

interface Told {
  readonly captured?: bigint
  readonly refunded?: bigint
  /** What went back in the same transaction. */
  readonly back?: bigint
  readonly to?: string
  readonly status?: string
  readonly id?: string
  readonly receipt?: false
}

/** A node that shows one close. */
function showing({
  captured = 30n,
  refunded = 70n,
  back = refunded,
  to = PAYER,
  status = '0x1',
  id = channelIdOf(v2),
  receipt,
}: Told) {
  const block = (at: unknown) => ({
    number: at === '0x0' ? '0x0' : '0x1',
    hash: word(1n),
    timestamp: at === '0x0' ? '0x1' : '0x3e8',
  })
  const log = (address: string, topics: readonly string[], data: string) => ({
    address,
    topics,
    data,
    transactionHash: HASH,
    blockNumber: '0x1',
  })
  const closed = log(
    v2.escrow,
    [CLOSED, id, word(PAYER), word(PAYEE)],
    `${word(captured)}${word(refunded).slice(2)}`,
  )
  const transfer = log(TOKEN, [TRANSFER, word(v2.escrow), word(to)], word(back))
  const answers: Readonly<Record<string, unknown>> = {
    eth_getLogs: [closed],
    eth_getTransactionReceipt:
      receipt === false
        ? null
        : {
            status,
            blockNumber: '0x1',
            blockHash: word(1n),
            logs: [transfer, closed],
            gasUsed: '0x1',
            effectiveGasPrice: '0x1',
          },
  }
  return {
    call: async (method: string, [at]: readonly unknown[]) =>
      method === 'eth_getBlockByNumber' ? block(at) : answers[method],
  }
}

describe('the captures of a channel that the reserve has deleted', () => {
  it('are shown by its close, and by the refund in the same transaction', async () => {
    expect(await readClosed(showing({}), v2, 900)).toBe(30n)
    expect(await readClosed(showing({ captured: 100n, refunded: 0n, back: 5n }), v2, 900)).toBe(100n)
  })

  it.each<[string, Told]>([
    ['something else went back', { back: 100n }],
    ['it went to somebody else', { to: PAYEE }],
    ['the transaction failed', { status: '0x0' }],
    ['the transaction is not shown', { receipt: false }],
    ['it is the close of another channel', { id: word(9n) }],
  ])('are unknown if %s', async (_, told) => {
    expect(await readClosed(showing(told), v2, 900)).toBeUndefined()
  })
})

describe('what several nodes show', () => {
  const part = (value: bigint): Verdict => ({
    state: 'settled',
    reference: '0x01',
    amount: amount(value, alphaUSD),
  })
  const whole: Verdict = { state: 'settled', reference: '0x01' }
  const none: Verdict = { state: 'void', reason: 'closed without it' }
  const open: Verdict = { state: 'unknown', reason: 'open' }
  const young: Verdict = { state: 'pending', recheckAt: 1, reason: 'young' }

  it.each<[string, readonly Verdict[], Verdict]>([
    ['taken whole, by one of them', [open, none, part(4n), whole], whole],
    ['taken in part, by all: the most counts', [none, part(4n), part(6n)], part(6n)],
    ['not taken, by all', [none, none], none],
    ['taken in part by one, and open by another', [part(4n), open], open],
    ['not taken by one, and not final by another', [none, young, part(4n)], young],
  ])('is their common verdict: %s', (_, views, expected) => {
    expect(combine(views)).toEqual(expected)
    expect(combine([...views].reverse())).toEqual(expected)
  })

  it('uses a fee that any of them shows, and no fee only if all agree', () => {
    const fee = amount(3n, alphaUSD)
    const free = amount(0n, alphaUSD)
    expect(combine([open, { ...open, fee }])).toMatchObject({ fee })
    expect(combine([{ ...open, fee: free }, open])).not.toHaveProperty('fee')
    expect(
      combine([
        { ...open, fee: free },
        { ...open, fee: free },
      ]),
    ).toMatchObject({ fee: free })
    expect(
      combine([
        { ...open, fee: free },
        { ...open, fee },
      ]),
    ).toMatchObject({ fee })
  })
})
