const { setFlagsFromString } = process.getBuiltinModule('node:v8')
const { runInNewContext } = process.getBuiltinModule('node:vm')
const { setImmediate } = process.getBuiltinModule('node:timers')

/** Statements are destroyed in turns of the event loop after the collection that found them. */
const TURNS = 3

/**
 * Destroys the statements of databases that were closed.
 *
 * `@photostructure/sqlite` cannot destroy a statement. As long as one of them exists SQLite keeps its database open, and
 * closes it when JavaScript happens to collect the last one. If nobody else has the ledger open at that moment, SQLite then
 * removes the log by its name, even if another process has written a new one there. So garbage is collected at once: some
 * milliseconds in a small program, once per ledger that is closed. The runtime's own `node:sqlite` needs none of this.
 */
export async function destroyStatements(): Promise<void> {
  // The statements may still be in the registers of whoever called this.
  await turn()
  collector()?.()
  for (let n = 0; n < TURNS; n++) await turn()
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(() => resolve()))
}

/** Undefined: this runtime collects garbage only by itself. */
function collector(): (() => unknown) | undefined {
  const { gc } = globalThis
  if (typeof gc === 'function') return () => gc()
  const bun: unknown = Reflect.get(Object(Reflect.get(globalThis, 'Bun')), 'gc')
  if (typeof bun === 'function') return () => Reflect.apply(bun, undefined, [true])
  return exposed()
}

/** Node shows it to a context that is made while the flag is set; the program itself goes without, as it was started. */
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
