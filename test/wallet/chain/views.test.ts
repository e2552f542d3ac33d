import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../../src/ledger/index.js'
import { amount, fiat } from '../../../src/money/index.js'
import { askNodes, type Node } from '../../../src/wallet/chain/index.js'

const USD = fiat('USD', 2)
const cents = (value: bigint) => amount(value, USD)
const paid = (more: Partial<Extract<Verdict, { state: 'settled' }>> = {}): Verdict => ({
  state: 'settled',
  reference: '0x1',
  ...more,
})
const VOID: Verdict = { state: 'void', reason: 'It ran out' }
const PENDING: Verdict = { state: 'pending', recheckAt: 1, reason: 'It can still be settled' }
const UNKNOWN: Verdict = { state: 'unknown', reason: 'Nobody can tell' }

/** One node each. `undefined`: it does not answer. */
function asked(...views: readonly (Verdict | undefined)[]): Promise<Verdict> {
  const answers = new Map(
    views.map((view): [Node, Verdict | undefined] => [{ call: async () => '0x1' }, view]),
  )
  return askNodes([...answers.keys()], 1, async (node) => {
    const view = answers.get(node)
    if (view === undefined) throw new Error('no answer')
    return view
  })
}

describe('the verdict of several nodes', () => {
  it('is settled at the full price as soon as one node shows it', async () => {
    for (const other of [VOID, PENDING, UNKNOWN, undefined])
      expect(await asked(other, paid())).toEqual(paid())
  })

  it('is void only if all that answer show it', async () => {
    expect(await asked(VOID, VOID, undefined)).toEqual(VOID)
    expect(await asked(VOID, PENDING)).toEqual(PENDING)
    expect(await asked(VOID, UNKNOWN)).toEqual(UNKNOWN)
    expect(await asked(undefined)).toMatchObject({ state: 'unknown' })
  })

  it('a settlement for less returns budget, so all that answer must show it', async () => {
    const less = paid({ amount: cents(1n) })
    expect(await asked(less, less, undefined)).toEqual(less)
    expect(await asked(less, PENDING)).toEqual(PENDING)
    expect(await asked(less, UNKNOWN)).toEqual(UNKNOWN)
    expect(await asked(less, VOID)).toMatchObject({ state: 'unknown' })
  })

  it('has the highest amount that any of them shows', async () => {
    const [less, more] = [paid({ amount: cents(1n) }), paid({ amount: cents(70n) })]
    expect(await asked(less, more)).toEqual(more)
    expect(await asked(more, less)).toEqual(more)
    expect(await asked(less, paid())).toEqual(paid())
  })

  it('has the highest fee that any of them shows, and an unread fee counts at its bound', async () => {
    const [low, high] = [paid({ fee: cents(1n) }), paid({ fee: cents(3n) })]
    expect(await asked(low, high)).toEqual(high)
    expect(await asked(low, paid())).toEqual(paid())
    const burnt = { ...VOID, fee: cents(2n) }
    expect(await asked(VOID, burnt)).toEqual(burnt)
  })
})

describe('a node of another chain', () => {
  const on = (chainId: unknown): Node => ({ call: async () => chainId })

  it('does not prove a void, because the credential could never be used there', async () => {
    const look = async () => VOID
    expect(await askNodes([on('0x2')], 1, look)).toMatchObject({ state: 'unknown' })
    expect(await askNodes([on(null)], 1, look)).toMatchObject({ state: 'unknown' })
    expect(await askNodes([on('0x2'), on('0x1')], 1, look)).toEqual(VOID)
  })
})
