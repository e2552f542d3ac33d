import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { untilAborted } from '../../src/util/until-aborted.js'
import { gate, settled } from './hanging.js'

const REASON = new DOMException('enough', 'AbortError')
const hanging = (): Promise<never> => new Promise(() => undefined)

describe('waiting for work until its caller aborts', () => {
  it('returns the work itself if there is no signal', () => {
    const work = hanging()
    expect(untilAborted(work, undefined)).toBe(work)
  })

  it('returns the result of the work, and leaves no listener', async () => {
    const stop = new AbortController()
    expect(await untilAborted(Promise.resolve('done'), stop.signal)).toBe('done')
    const failure = new RangeError('no')
    await expect(untilAborted(Promise.reject(failure), stop.signal)).rejects.toBe(failure)
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
  })

  it('does not wait if the signal is already aborted', async () => {
    await expect(untilAborted(hanging(), AbortSignal.abort(REASON))).rejects.toBe(REASON)
  })

  it('rejects with the reason of the abort, or with the given one', async () => {
    const stop = new AbortController()
    const plain = untilAborted(hanging(), stop.signal)
    const told = untilAborted(hanging(), stop.signal, { reason: () => 'in doubt' })
    stop.abort(REASON)
    await expect(plain).rejects.toBe(REASON)
    await expect(told).rejects.toBe('in doubt')
  })

  it('passes on a later result, and drops a later failure', async () => {
    const stop = new AbortController()
    const late: string[] = []
    const [well, badly] = [gate(), gate()]
    const work = untilAborted(
      well.opened.then(() => 'late'),
      stop.signal,
      { onLate: (value) => void late.push(value) },
    )
    const failing = untilAborted(
      badly.opened.then(() => Promise.reject(new RangeError('late'))),
      stop.signal,
    )
    stop.abort(REASON)
    await expect(work).rejects.toBe(REASON)
    await expect(failing).rejects.toBe(REASON)
    well.open()
    badly.open()
    await settled()
    expect(late).toEqual(['late'])
  })

  it('waits for the work during the grace time', async () => {
    const stop = new AbortController()
    const ending = gate()
    const work = untilAborted(
      ending.opened.then(() => 'the whole truth'),
      stop.signal,
      { graceMs: 60_000 },
    )
    stop.abort(REASON)
    ending.open()
    expect(await work).toBe('the whole truth')
  })

  it('and no longer', async () => {
    const stop = new AbortController()
    const work = untilAborted(hanging(), stop.signal, { graceMs: 1, reason: () => 'in doubt' })
    stop.abort(REASON)
    await expect(work).rejects.toBe('in doubt')
  })
})
