// A process of its own: tries to write, and prints what that came to.
import { isPaymentError } from '../../src/errors/index.js'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'

const ledger = sqliteLedger({ path: process.argv[2] ?? '', busyTimeoutMs: 20 })
const answer = await ledger.renew('me', 1).then(
  () => 'written',
  (error: unknown) => (isPaymentError(error) ? `${error.code} ${error.funds}` : String(error)),
)
process.stdout.write(`${answer}\n`)
