import { builtin } from './runtime.js'

/** The task of the current asynchronous call chain. */
export interface TaskStore {
  current(): readonly string[]
  run<T>(tasks: readonly string[], work: () => T): T
}

/**
 * Stores tasks in `AsyncLocalStorage`.
 *
 * @throws TypeError on `run` if the runtime has none (browsers): bind a purser with `with({ task })` there.
 */
export function taskStore(): TaskStore {
  const hooks = builtin('node:async_hooks')
  if (hooks === undefined)
    return {
      current: () => [],
      run: () => {
        throw new TypeError(
          'run() needs AsyncLocalStorage, which this runtime lacks: use with({ task }) instead',
        )
      },
    }
  const storage = new hooks.AsyncLocalStorage<readonly string[]>()
  return {
    current: () => storage.getStore() ?? [],
    run: (tasks, work) => storage.run([...(storage.getStore() ?? []), ...tasks], work),
  }
}

/**
 * Reads the name of a task.
 *
 * @throws TypeError if it is empty, too long, or contains the separator of nested tasks.
 */
export function readTask(task: unknown): string {
  if (typeof task !== 'string' || task.trim() === '' || task.length > 200 || task.includes('/'))
    throw new TypeError('A task needs a name of 1 to 200 characters without "/"')
  return task
}
