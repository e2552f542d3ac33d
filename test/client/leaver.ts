// A process of its own: opens a ledger with fees that are due, buys once, and has nothing more to do. It does not close.
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { buy, buyer } from './shop.js'

const [, , path = ''] = process.argv
const ledger = sqliteLedger({ path })
// A node that hangs, in a way that keeps a process alive for as long as somebody asks it.
const inspect = () => {
  process.stdout.write('asked\n')
  setTimeout(() => undefined, 60_000)
  return new Promise<never>(() => undefined)
}
const purser = buyer({ ledger, limit: '200', inspect })
process.stdout.write(`${await buy(purser, '/last')}\n`)
