import { describe, expect, test } from 'vitest'
import { isPaymentError } from '../../src/errors/index.js'
import { Recording, sourceOf } from '../../src/http/recording.js'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** A source whose every step can be watched. */
function watched(chunks: readonly unknown[]) {
  const rest = [...chunks]
  const log: string[] = []
  const body = new ReadableStream(
    {
      pull(controller) {
        const chunk = rest.shift()
        log.push(chunk === undefined ? 'end' : 'chunk')
        if (chunk === undefined) controller.close()
        else controller.enqueue(chunk)
      },
      cancel: (reason) => void log.push(`cancelled: ${reason}`),
    },
    { highWaterMark: 0 },
  )
  return { body, log }
}

const all = async (stream: ReadableStream): Promise<unknown[]> => {
  const chunks: unknown[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

const isLost = async (recording: Recording): Promise<boolean> =>
  recording.whole(1000).then(
    () => false,
    (error: unknown) => isPaymentError(error, 'not_replayable'),
  )

test('what passes is kept, in order', async () => {
  const recording = new Recording(sourceOf(watched([bytes(1), bytes(2, 3)]).body), 10)
  expect(await all(recording.stream)).toEqual([bytes(1), bytes(2, 3)])
  expect(await recording.whole(1000)).toEqual([bytes(1), bytes(2, 3)])
})

test('nothing is read before someone reads', async () => {
  const { body, log } = watched([bytes(1), bytes(2)])
  const recording = new Recording(sourceOf(body), 10)
  await new Promise((resolve) => setImmediate(resolve))
  expect(log).toEqual([])
  const reader = recording.stream.getReader()
  await reader.read()
  await new Promise((resolve) => setImmediate(resolve))
  expect(log).toEqual(['chunk'])
})

test('exactly the cap is kept; one byte more is not, and passes all the same', async () => {
  const exact = new Recording(sourceOf(watched([bytes(1, 2), bytes(3)]).body), 3)
  await all(exact.stream)
  expect(await isLost(exact)).toBe(false)
  const long = new Recording(sourceOf(watched([bytes(1, 2), bytes(3, 4)]).body), 3)
  expect(await all(long.stream)).toEqual([bytes(1, 2), bytes(3, 4)])
  expect(await isLost(long)).toBe(true)
})

test('asked for before or while it passes, it reads the rest, and the stream still gets all of it', async () => {
  const recording = new Recording(sourceOf(watched([bytes(1), bytes(2), bytes(3)]).body), 10)
  const reader = recording.stream.getReader()
  expect((await reader.read()).value).toEqual(bytes(1))
  expect(await recording.whole(1000)).toEqual([bytes(1), bytes(2), bytes(3)])
  expect((await reader.read()).value).toEqual(bytes(2))
  expect((await reader.read()).value).toEqual(bytes(3))
  expect((await reader.read()).done).toBe(true)
})

describe('when the transport stops reading', () => {
  test('the source lives on while the recording is wanted', async () => {
    const { body, log } = watched([bytes(1), bytes(2)])
    const recording = new Recording(sourceOf(body), 10)
    const reader = recording.stream.getReader()
    await reader.read()
    await reader.cancel('answered')
    expect(await recording.whole(1000)).toEqual([bytes(1), bytes(2)])
    expect(log).toEqual(['chunk', 'chunk', 'end'])
  })

  test.each(['before', 'after'])('%s it was forgotten, the source is told why', async (order) => {
    const { body, log } = watched([bytes(1), bytes(2)])
    const recording = new Recording(sourceOf(body), 10)
    const reader = recording.stream.getReader()
    await reader.read()
    if (order === 'after') recording.forget()
    await reader.cancel('answered')
    if (order === 'before') recording.forget()
    expect(log).toEqual(['chunk', 'cancelled: answered'])
  })
})

test('a source that fails fails its reader with the same error, and cannot be sent again', async () => {
  const failure = new RangeError('dry')
  const body = new ReadableStream({ pull: (controller) => controller.error(failure) })
  const recording = new Recording(sourceOf(body), 10)
  await expect(all(recording.stream)).rejects.toBe(failure)
  expect(await isLost(recording)).toBe(true)
})

test('what never ends is not waited for longer than was said', async () => {
  const body = new ReadableStream({ pull: () => new Promise(() => {}) })
  const recording = new Recording(sourceOf(body), 10)
  const lost = await recording.whole(20).catch((error: unknown) => error)
  expect(isPaymentError(lost, 'not_replayable')).toBe(true)
})

test('forgotten, it keeps nothing', async () => {
  const recording = new Recording(sourceOf(watched([bytes(1)]).body), 10)
  recording.forget()
  expect(await all(recording.stream)).toEqual([bytes(1)])
  expect(await isLost(recording)).toBe(true)
})

test('an iterable is ended when its reader goes', async () => {
  const ended: string[] = []
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield bytes(1)
      yield bytes(2)
    } finally {
      ended.push('ended')
    }
  }
  const recording = new Recording(sourceOf(chunks()), 10)
  const reader = recording.stream.getReader()
  await reader.read()
  recording.forget()
  await reader.cancel()
  expect(ended).toEqual(['ended'])
})
