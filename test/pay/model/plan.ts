import type { HttpResource } from '../../../src/protocol/index.js'
import { ORIGIN } from '../peers.js'

export const VENDORS = [ORIGIN, 'https://api.other.example'] as const

/** The ways in which a server treats credentials. */
export const SERVES = [
  'pays',
  // Asks again before it pays: with a fresh challenge, or a dearer one.
  'rotates',
  'dearer',
  // Takes the money, and then: no answer, another challenge, an error.
  'loses',
  'payment-required',
  'fails',
  // The chain takes the transaction, and it fails there: only the fee is gone.
  'reverts',
  // Keeps credentials back, to cash them when it likes: the only one, or both after asking again.
  'late',
  'hoards',
  // Cashes the first one, and gives a receipt for the second.
  'crosses',
  // Accepts nothing, and always asks for more.
  'begs',
  // Answers without taking the money: with no receipt, an untrue one, or one of another payment.
  'free',
  'lies',
  'mislabels',
  // Never answers, and cashes later.
  'hangs',
] as const
export type Serves = (typeof SERVES)[number]

/** The answers of a person. `later`: gives no answer until the test asks for it. */
export const SAYS = ['yes', 'no', 'throws', 'remembers', 'later'] as const
export type Says = (typeof SAYS)[number]

export interface CallPlan {
  readonly agent: string
  readonly tasks: readonly string[]
  readonly vendor: (typeof VENDORS)[number]
  readonly path: string
  readonly key?: string
  readonly cents: number
  /** The largest fee in cents, and the share of it that the chain takes. Undefined if the server pays it. */
  readonly fee?: { readonly bound: number; readonly taken: number }
  readonly serves: Serves
  readonly message: Says
  /** The process ends before its ledger takes this many further steps. */
  readonly diesAfter?: number
}

export function resourceOf({ vendor, path }: Pick<CallPlan, 'vendor' | 'path'>): HttpResource {
  return {
    transport: 'http',
    vendor,
    operation: `GET ${path}`,
    address: vendor + path,
    method: 'GET',
    path,
  }
}
