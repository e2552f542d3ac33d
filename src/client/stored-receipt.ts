import type { PaymentId } from '../ledger/index.js'
import type { Receipt } from '../protocol/index.js'

/** A stored receipt, and what it is for. */
export interface StoredReceipt {
  readonly payment: PaymentId
  readonly agent: string
  readonly tasks: readonly string[]
  readonly vendor: string
  readonly operation: string
  readonly receipt: Receipt
}
