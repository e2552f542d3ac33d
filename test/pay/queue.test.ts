import { describe, expect, it } from 'vitest'
import { Queues } from '../../src/util/queue.js'

/** Lets everything that is ready run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the queue for a lane', () => {
  it('serves callers in their order, and tells who had to wait', async () => {
    const queues = new Queues()
    const places = Array.from({ length: 5 }, () => queues.place())
    const served: [number, boolean][] = []
    const waiting = places.map(async (place, n) => {
      served.push([n, await place.enter('lane')])
    })
    for (const [n, place] of places.entries()) {
      await turn()
      expect(served).toHaveLength(n + 1)
      place.leave()
    }
    await Promise.all(waiting)
    expect(served).toEqual([0, 1, 2, 3, 4].map((n) => [n, n > 0]))
  })

  it('keeps lanes apart, and lets no caller wait for itself', async () => {
    const queues = new Queues()
    const [a, b] = [queues.place(), queues.place()]
    expect(await a.enter('one')).toBe(false)
    expect(await b.enter('two')).toBe(false)
    expect(await a.enter('one')).toBe(false)
    // A place is one place: entering another queue leaves the first.
    const moved = a.enter('two')
    expect(await queues.place().enter('one')).toBe(false)
    b.leave()
    expect(await moved).toBe(true)
  })

  it('forgets callers that aborted, and is empty again', async () => {
    const queues = new Queues()
    const [first, second, third] = [queues.place(), queues.place(), queues.place()]
    await first.enter('lane')
    const hangUp = new AbortController()
    const gone = second.enter('lane', hangUp.signal)
    const next = third.enter('lane')
    hangUp.abort(new Error('gone'))
    await expect(gone).rejects.toThrow('gone')
    second.leave()
    await expect(queues.place().enter('lane', AbortSignal.abort(new Error('late')))).rejects.toThrow('late')
    first.leave()
    expect(await next).toBe(true)
    third.leave()
    third.leave()
    expect(await queues.place().enter('lane')).toBe(false)
  })
})
