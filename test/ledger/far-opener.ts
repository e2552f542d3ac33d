// Opens a ledger twice on a drive that calls itself NFS, and prints each warning. Argument: the ledger's path.
// A real network drive cannot be mounted here. What `statfs` answers is the only thing that is replaced.
import { createRequire, syncBuiltinESMExports } from 'node:module'

const files: { statfs: unknown } = createRequire(import.meta.url)('node:fs/promises')
files.statfs = async () => ({ type: 0x6969 })
syncBuiltinESMExports()

process.on('warning', (warning) => {
  const code = 'code' in warning ? warning.code : undefined
  process.stdout.write(`${JSON.stringify({ name: warning.name, code, message: warning.message })}\n`)
})

const { sqliteLedger } = await import('../../src/entry/ledger-sqlite.js')
for (let n = 0; n < 2; n++) {
  const ledger = sqliteLedger({ path: process.argv[2] ?? '' })
  await ledger.id()
  await ledger.close()
}
await new Promise((resolve) => setTimeout(resolve, 50))
