import { PaymentError } from '../../errors/index.js'
import { destroyStatements } from './destroy-statements.js'

export type Value = string | number | bigint | null

/** The common part of `node:sqlite` and `@photostructure/sqlite` that the ledger uses. */
export interface Statement {
  run(...values: readonly Value[]): {
    readonly changes: number | bigint
    readonly lastInsertRowid: number | bigint
  }
  get(...values: readonly Value[]): unknown
  all(...values: readonly Value[]): unknown[]
  iterate(...values: readonly Value[]): Iterable<unknown>
  setReadBigInts(enabled: boolean): void
}

export interface Database {
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

export interface Driver {
  readonly DatabaseSync: new (
    path: string,
    options: { readonly timeout: number; readonly readOnly?: boolean },
  ) => Database
  /** Closes databases fully, for a driver that keeps them open while their statements exist. */
  readonly destroyStatements?: () => Promise<void>
}

/**
 * Loads the runtime's own SQLite, or the package with the same API.
 *
 * @throws PaymentError `ledger_failed` if neither exists.
 */
export async function loadDriver(): Promise<Driver> {
  const own = ownDriver()
  if (own !== undefined) return own
  try {
    // The package loads its binaries from its own folder, so a bundler must not include it. Webpack and Next.js read
    // the comment; esbuild needs an option (docs/bundlers.md).
    const loaded: unknown = await import(
      /* webpackIgnore: true */ /* @vite-ignore */ '@photostructure/sqlite'
    )
    if (isDriver(loaded)) return { DatabaseSync: loaded.DatabaseSync, destroyStatements }
  } catch (cause) {
    throw noDriver(cause)
  }
  throw noDriver(undefined)
}

function noDriver(cause: unknown): PaymentError {
  const message = `This runtime has no node:sqlite: install @photostructure/sqlite, or use Node 22.13 or later`
  return new PaymentError('ledger_failed', 'untouched', message, { cause })
}

function ownDriver(): Driver | undefined {
  // Node 22 warns that its SQLite is experimental. The ledger uses only the part with which both drivers pass its
  // tests.
  const emitWarning = process.emitWarning
  process.emitWarning = () => undefined
  try {
    const loaded: unknown = process.getBuiltinModule?.('node:sqlite')
    return isDriver(loaded) ? loaded : undefined
  } finally {
    process.emitWarning = emitWarning
  }
}

function isDriver(value: unknown): value is Driver {
  return (
    typeof value === 'object' &&
    value !== null &&
    'DatabaseSync' in value &&
    typeof value.DatabaseSync === 'function'
  )
}
