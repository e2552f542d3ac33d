// A process of its own: tries to hold, commit and settle so many payments, and prints how many passed.
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { CENT, committed, everClaim, holdOf, settled } from './fixtures.js'

const [, , path = '', name = '', attempts = '0', limit = '0'] = process.argv
const ledger = sqliteLedger({ path, synchronous: 'normal', busyTimeoutMs: 60_000 })
await ledger.renew(name, 120_000)
let passed = 0
for (let n = 0; n < Number(attempts); n++) {
  const id = `${name}.${n}`
  const buy = { price: 1, owner: name, claims: [everClaim(CENT, BigInt(limit) * CENT)] }
  let held = await ledger.hold(await holdOf(ledger, id, buy))
  while (!held.ok && held.why === 'stale') held = await ledger.hold(await holdOf(ledger, id, buy))
  if (!held.ok) continue
  const moved = await ledger.advance(id, committed(buy))
  if (!moved.ok) continue
  passed++
  if (n % 3 === 0) await ledger.advance(id, settled)
}
await ledger.close()
process.stdout.write(`${passed}\n`)
