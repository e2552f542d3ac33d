// A process of its own: pays once and closes the ledger. On a signal it collects its garbage, as any process does some day.
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { CENT, committed, everClaim, holdOf } from './fixtures.js'

const [, , path = ''] = process.argv
await payAndClose()
process.once('SIGUSR2', () => void collect())
process.stdout.write('closed\n')
await sleep(120_000)

async function payAndClose(): Promise<void> {
  const ledger = sqliteLedger({ path })
  await ledger.renew('closer', 60_000)
  const buy = { price: 1, owner: 'closer', claims: [everClaim(CENT, 5n * CENT)] }
  await ledger.hold(await holdOf(ledger, 'closer.1', buy))
  await ledger.advance('closer.1', committed(buy))
  await ledger.close()
}

async function collect(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  for (let turn = 0; turn < 5; turn++) {
    if (typeof gc === 'function') gc()
    await sleep(20)
  }
  process.stdout.write('collected\n')
}
