import { type PaymentError, PaymentRefusedError } from '../errors/index.js'
import type { Ledger, Payment, PaymentId } from '../ledger/index.js'
import type { Emitter, Outcome } from '../pay/index.js'
import type { Resource } from '../protocol/index.js'

interface Behind {
  /** What the story of the payment left behind the error. */
  readonly known: Outcome | undefined
  readonly emitter: Emitter
  readonly ledger: () => Promise<Ledger>
}

/** What is behind an error: `paymentFor` says it, and listeners hear of a refusal. */
export async function outcomeBehind(
  error: PaymentError,
  resource: Resource,
  { known, emitter, ledger }: Behind,
): Promise<Outcome | undefined> {
  if (known !== undefined) return known
  const { code, reasons, paymentId } = error
  const payment = paymentId === undefined ? undefined : await stored(paymentId, ledger)
  if (!(error instanceof PaymentRefusedError)) return payment
  emitter.emit('refusal', {
    resource,
    code,
    reasons,
    ...(paymentId === undefined ? {} : { payment: paymentId }),
  })
  return { state: 'refused', code, reasons, resource, ...(payment === undefined ? {} : { payment }) }
}

async function stored(id: PaymentId, ledger: Behind['ledger']): Promise<Payment | undefined> {
  try {
    return await (await ledger()).get(id)
  } catch {
    // The refusal itself is what the caller needs to hear; the record can be read later.
    return undefined
  }
}
