import { builtin } from './runtime.js'

/** Which task the current asynchronous call chain works on. */
export interface TaskStore {
  current(): readonly string[]
  run<T>(tasks: readonly string[], work: () => T): T
}

/**
 * Tasks by `AsyncLocalStorage`.
 *
 * @throws TypeError on `run` where the runtime has none (browsers): bind a purser with `with({ task })` there.
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
 * A task's name as budgets know it.
 *
 * @throws TypeError if it is empty, too long, or contains what separates nested tasks.
 */
export function readTask(task: unknown): string {
  if (typeof task !== 'string' || task.trim() === '' || task.length > 200 || task.includes('/'))
    throw new TypeError('A task needs a name of 1 to 200 characters without "/"')
  return task
}
