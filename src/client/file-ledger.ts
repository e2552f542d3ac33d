import { type DefaultLedger, hasFiles, memoryInBrowsers } from './default-ledger.js'

/** A file, where the runtime has files. In a module of its own: packages for browsers and Workers leave SQLite out. */
export const fileLedger: DefaultLedger = () =>
  hasFiles() ? async () => (await import('../ledger/sqlite/index.js')).sqliteLedger() : memoryInBrowsers()
