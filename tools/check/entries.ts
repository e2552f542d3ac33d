import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The package's entry points and their sources: what `tsup` builds, and what documentation may import. */
export const ENTRIES: Readonly<Record<string, string>> = {
  purser: 'src/index.ts',
  'purser/auto': 'src/entry/auto.ts',
  'purser/ledger/memory': 'src/entry/ledger-memory.ts',
  'purser/ledger/sqlite': 'src/entry/ledger-sqlite.ts',
  'purser/policy': 'src/entry/policy.ts',
  'purser/protocol': 'src/entry/protocol.ts',
  'purser/undici': 'src/entry/undici.ts',
  'purser/wallet/tempo': 'src/entry/wallet-tempo.ts',
}

/** The entry sources as absolute paths; `missing` are those that do not exist. */
export function entryFiles(root: string): {
  readonly found: readonly string[]
  readonly missing: readonly string[]
} {
  const files = Object.values(ENTRIES)
  return {
    found: files.map((file) => join(root, file)).filter((file) => existsSync(file)),
    missing: files.filter((file) => !existsSync(join(root, file))),
  }
}
