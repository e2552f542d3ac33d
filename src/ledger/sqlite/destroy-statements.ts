const { setFlagsFromString } = process.getBuiltinModule('node:v8')
const { runInNewContext } = process.getBuiltinModule('node:vm')
const { setImmediate } = process.getBuiltinModule('node:timers')

/** How many turns of the event loop pass after a collection until the statements that it found are destroyed. */
const TURNS = 3

/**
 * Destroys the statements of databases that were closed.
 *
 * `@photostructure/sqlite` cannot destroy a statement. SQLite keeps a database open while one of its statements exists,
 * and closes it when JavaScript collects the last one. If no other process has the ledger open at that moment, SQLite
 * removes the log by its name, even if another process has made a new log under that name. So this function collects
 * garbage at once. That takes some milliseconds in a small program, once for each ledger that is closed. The runtime's
 * own `node:sqlite` does not need this.
 */
export async function destroyStatements(): Promise<void> {
  // The caller's registers may still refer to the statements.
  await turn()
  collector()?.()
  for (let n = 0; n < TURNS; n++) await turn()
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(() => resolve()))
}

/** Returns the garbage collector. Undefined if this runtime collects garbage only by itself. */
function collector(): (() => unknown) | undefined {
  const { gc } = globalThis
  if (typeof gc === 'function') return () => gc()
  const bun: unknown = Reflect.get(Object(Reflect.get(globalThis, 'Bun')), 'gc')
  if (typeof bun === 'function') return () => Reflect.apply(bun, undefined, [true])
  return exposed()
}

/**
 * Returns `gc` from a new context. Node adds it to a context that is made while the flag is set. The program's own
 * context does not change.
 */
function exposed(): (() => unknown) | undefined {
  try {
    setFlagsFromString('--expose-gc')
    const gc: unknown = runInNewContext('gc')
    return typeof gc === 'function' ? () => Reflect.apply(gc, undefined, []) : undefined
  } catch {
    return undefined
  } finally {
    setFlagsFromString('--no-expose-gc')
  }
}
