import type { OpenedView } from '../config/index.js'
import { clean } from '../errors/index.js'
import type { Payment } from '../index.js'
import { misuse } from './misuse.js'

const LEAST = 4
const MOST_NAMED = 5

/**
 * Finds a payment by its id, or by the beginning or the end of its id. An id begins with its time, so a table shows its
 * end.
 *
 * @throws PaymentError `invalid_config` if there is none, or more than one.
 */
export async function findPayment({ view }: Pick<OpenedView, 'view'>, id: string): Promise<Payment> {
  const exact = await view.payment(id)
  if (exact !== undefined) return exact
  const part = id.toLowerCase()
  if (part.length < LEAST) throw misuse(`A part of an id needs at least ${LEAST} characters`)
  const found: Payment[] = []
  for await (const payment of view.payments()) {
    const name = payment.id.toLowerCase()
    if (name.startsWith(part) || name.endsWith(part)) found.push(payment)
    if (found.length > MOST_NAMED) break
  }
  const [first] = found
  if (first === undefined) throw misuse(`The ledger has no payment ${clean(id, 60)}`)
  if (found.length === 1) return first
  const names = found.slice(0, MOST_NAMED).map((payment) => payment.id)
  throw misuse(
    `More than one payment is called ${clean(id, 60)}: ${names.join(', ')}${found.length > MOST_NAMED ? ', …' : ''}`,
  )
}
