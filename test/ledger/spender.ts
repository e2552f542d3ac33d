// A process of its own: holds and commits so many payments of a cent under a limit. Then it waits to be killed, closes the
// ledger, or ends without closing it.
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { CENT, committed, everClaim, holdOf } from './fixtures.js'

const [, , path = '', name = '', payments = '0', limit = '0', how = 'waits'] = process.argv
const ledger = sqliteLedger({ path })
await ledger.renew(name, 3_600_000)
process.stdout.write('open\n')
let paid = 0
for (let n = 0; n < Number(payments); n++) {
  const id = `${name}.${n}`
  const buy = { price: 1, owner: name, claims: [everClaim(CENT, BigInt(limit) * CENT)] }
  const held = await ledger.hold(await holdOf(ledger, id, buy))
  if (held.ok && (await ledger.advance(id, committed(buy))).ok) paid++
}
process.stdout.write(`${paid}\n`)
if (how === 'waits') await new Promise((resolve) => setTimeout(resolve, 120_000))
if (how === 'closes') await ledger.close()
if (how === 'exits') process.exit(0)
if (how === 'throws') throw new TypeError('This process ends by an error')
