// A process of its own: pays without end, or dies in the middle of a transaction. It is killed from outside.
import { setTimeout as sleep } from 'node:timers/promises'
import { loadDriver } from '../../src/ledger/sqlite/driver.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { committed, holdOf } from './fixtures.js'

const [, , path = '', how = 'pays'] = process.argv
const ledger = sqliteLedger({ path, synchronous: 'normal' })
await ledger.renew('victim', 3_600_000)
if (how === 'pays') {
  for (let n = 0; ; n++) {
    const id = `victim.${n}`
    await ledger.hold(await holdOf(ledger, id, { price: 1, owner: 'victim' }))
    const moved = await ledger.advance(id, committed({ price: 1 }))
    // What is printed has been promised.
    if (moved.ok) process.stdout.write(`${id}\n`)
  }
}
const { DatabaseSync } = await loadDriver()
const db = new DatabaseSync(path, { timeout: 1000 })
db.exec('BEGIN IMMEDIATE')
db.exec("UPDATE meta SET frozen = 'half done'")
process.stdout.write('inside\n')
await sleep(60_000)
