import { describe, expect, it } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import type { Ledger } from '../../src/index.js'
import { against, countingAccount } from './kit.js'
import { CELLS } from './matrix/cells.js'
import { withFault } from './matrix/faults.js'

const dependencies = [...new Set(CELLS.map(({ dependency }) => dependency))]

describe.each(dependencies)('%s', (dependency) => {
  const cells = CELLS.filter((cell) => cell.dependency === dependency)
  it.each(cells.map((cell) => [cell.way, cell.how, cell] as const))(
    'over %s: %s: it fails closed',
    async (_way, _how, cell) => {
      expect(await cell.run()).toEqual([])
    },
  )
})

it('every fault of every dependency has a name of its own', () => {
  const names = CELLS.map(({ dependency, way, how }) => `${dependency} ${way} ${how}`)
  expect(new Set(names).size).toBe(names.length)
})

it('an account that hangs: the caller can give up, and the budget is free again', async () => {
  const account = { ...countingAccount(() => undefined), sign: () => new Promise<never>(() => undefined) }
  await using set = await against('honest', { wallet: { account } })
  const got = await set.payer.call('/a', { signal: AbortSignal.timeout(200) })
  expect(got.thrown).toMatchObject({ name: 'TimeoutError' })
  expect([set.server.paid.length, await set.payer.counted()]).toEqual([0, 0])
})

describe('an approver that hangs', () => {
  it('is not waited for after the caller gave up while the budget was being held', async () => {
    const control = new AbortController()
    const inner = memoryLedger()
    const ask: Ledger['ask'] = async (asked) => {
      control.abort(new DOMException('given up', 'AbortError'))
      return inner.ask(asked)
    }
    const ledger = withFault<Ledger>(inner, 'ask', ask)
    await using set = await against('honest', {
      policy: { ask: [{ above: '0.001' }], approval: { timeout: '1h' } },
      ledger,
      purser: { approver: () => new Promise(() => undefined) },
    })
    const got = await set.payer.call('/a', { signal: control.signal })
    expect(got.thrown).toMatchObject({ name: 'AbortError' })
    expect([set.payer.signatures, await set.payer.counted()]).toEqual([0, 0])
  })
})

describe('an approver that is slow', () => {
  it('says yes to a caller who has left: nothing is signed', async () => {
    const control = new AbortController()
    await using set = await against('honest', {
      policy: { ask: [{ above: '0.001' }], approval: { timeout: '1h' } },
      purser: {
        approver: async () => {
          control.abort(new DOMException('given up', 'AbortError'))
          return { approved: true, by: 'ann' }
        },
      },
    })
    const got = await set.payer.call('/a', { signal: control.signal })
    expect(got.thrown).toMatchObject({ name: 'AbortError' })
    expect([set.payer.signatures, await set.payer.counted()]).toEqual([0, 0])
  })
})

it('a clock that is set back by two days stops payments until somebody confirms it', async () => {
  let skew = 0
  const clock = { now: () => Date.now() + skew, monotonic: () => performance.now() }
  await using set = await against('honest', { ledger: memoryLedger({ clock }), purser: { clock } })
  expect((await set.payer.call('/a')).status).toBe(200)
  skew = -2 * 86_400_000
  const got = await set.payer.call('/b')
  expect([got.code, got.funds, set.payer.signatures]).toEqual(['clock_jumped', 'untouched', 1])
})
