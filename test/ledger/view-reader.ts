// A process of its own: reads a ledger by its view, and prints what it found or why it could not.
import { isPaymentError } from '../../src/errors/index.js'
import { openLedgerView } from '../../src/ledger/sqlite/index.js'

const [, , path = ''] = process.argv

async function countPayments(): Promise<number> {
  const view = await openLedgerView({ path, busyTimeoutMs: 2000 })
  let payments = 0
  for await (const _ of view.payments()) payments++
  await view.close()
  return payments
}

const answer = await countPayments().then(
  (payments) => `${payments} payments`,
  (error: unknown) => (isPaymentError(error) ? `${error.code} ${error.message}` : String(error)),
)
process.stdout.write(`${answer}\n`)
