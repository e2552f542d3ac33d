import { expect, it, onTestFinished, vi } from 'vitest'
import { Slices } from '../../src/client/slices.js'
import { memoryLedger } from '../../src/ledger/memory.js'
import { buy, buyer } from './shop.js'

/** Calls that each take so much processor time when they go on, and in which turn of the event loop that was. */
async function crowd(count: number, costMs: number): Promise<number[]> {
  let used = 0
  let turn = 0
  let going = true
  const countTurns = (): void => {
    turn++
    if (going) setImmediate(countTurns)
  }
  setImmediate(countTurns)
  const slices = new Slices(() => used)
  const turns: number[] = []
  const order: number[] = []
  const call = async (n: number): Promise<void> => {
    await slices.take()
    used += costMs
    turns.push(turn)
    order.push(n)
  }
  await Promise.all(Array.from({ length: count }, (_, n) => call(n)))
  going = false
  expect(order).toEqual(Array.from({ length: count }, (_, n) => n))
  const perTurn = new Map<number, number>()
  for (const each of turns) perTurn.set(each, (perTurn.get(each) ?? 0) + 1)
  return [...perTurn.values()]
}

it('a call that is alone, or one of few, goes on at once', () => {
  const slices = new Slices(() => 0)
  for (let n = 0; n < 8; n++) expect(slices.take()).toBeUndefined()
  expect(slices.take()).toBeInstanceOf(Promise)
})

it('calls that take long go on a few in one turn, in their order', async () => {
  const sizes = await crowd(64, 5)
  expect(Math.max(...sizes.slice(1))).toBe(4)
})

it('more calls go on in one turn as long as they take no time', async () => {
  const sizes = await crowd(200, 0.01)
  expect(Math.max(...sizes)).toBe(64)
})

it('is as ready for few calls after a crowd as before it', async () => {
  const slices = new Slices(() => 0)
  await Promise.all(Array.from({ length: 100 }, () => slices.take()))
  await new Promise((resolve) => setTimeout(resolve))
  expect(slices.take()).toBeUndefined()
})

it('the event loop turns again and again while 64 calls are paid for at once', async () => {
  await using purser = buyer({
    ledger: memoryLedger(),
    limit: '1000',
    inspect: async () => ({ state: 'unknown', reason: 'nobody asks' }),
  })
  await buy(purser, '/first')
  // A fast machine needs few turns for 64 calls. By this processor time each turn takes longer than it may.
  let user = 0
  const slow = vi.spyOn(process, 'cpuUsage').mockImplementation(() => {
    user += 500_000
    return { user, system: 0 }
  })
  onTestFinished(() => slow.mockRestore())
  let turns = 0
  let paying = true
  const tick = (): void => {
    turns++
    if (paying) setImmediate(tick)
  }
  setImmediate(tick)
  await Promise.all(Array.from({ length: 64 }, (_, n) => buy(purser, `/${n}`)))
  paying = false
  // Then a few calls go on in each turn; all of them in a row would take three turns.
  expect(turns).toBeGreaterThan(8)
})
