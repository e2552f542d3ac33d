import { afterEach, expect, test, vi } from 'vitest'
import { readTask, taskStore } from '../../src/client/tasks.js'

afterEach(() => vi.restoreAllMocks())

test('tasks follow the asynchronous call chain, nest, and end with their work', async () => {
  const tasks = taskStore()
  const seen = await tasks.run(['report'], async () => {
    await Promise.resolve()
    const inner = tasks.run(['search'], () => tasks.current())
    return { inner, outer: tasks.current() }
  })
  expect(seen).toEqual({ inner: ['report', 'search'], outer: ['report'] })
  expect(tasks.current()).toEqual([])
})

test('two chains at once do not see each other, nor do two stores', async () => {
  const [tasks, others] = [taskStore(), taskStore()]
  const work = (name: string): Promise<readonly string[]> =>
    tasks.run([name], async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return [...tasks.current(), ...others.current()]
    })
  expect(await Promise.all([work('a'), work('b')])).toEqual([['a'], ['b']])
})

test('what the work returns or throws comes through', () => {
  const tasks = taskStore()
  expect(tasks.run(['a'], () => 7)).toBe(7)
  expect(() =>
    tasks.run(['a'], () => {
      throw new RangeError('mine')
    }),
  ).toThrow(new RangeError('mine'))
  expect(tasks.current()).toEqual([])
})

test('a runtime without AsyncLocalStorage has no tasks, and says what to use instead', () => {
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
  const tasks = taskStore()
  expect(tasks.current()).toEqual([])
  const work = vi.fn()
  expect(() => tasks.run(['a'], work)).toThrow(/^run\(\) needs AsyncLocalStorage.*use with\(\{ task \}\)/)
  expect(work).not.toHaveBeenCalled()
})

test.each(['report', 'x', 'ticket 42', 'Ü', 'x'.repeat(200)])('%j names a task', (name) => {
  expect(readTask(name)).toBe(name)
})

test.each(['', '   ', 'a/b', '/', 'x'.repeat(201), 7, null, undefined, ['a']])('%o names no task', (name) => {
  expect(() => readTask(name)).toThrow(
    new TypeError('A task needs a name of 1 to 200 characters without "/"'),
  )
})
