import type { Hex } from 'viem'

/** What a payer has to do. */
export interface Job {
  readonly account: Hex
  readonly chain: number
  readonly rpc: string
  readonly origin: string
  readonly ledger: string
  /** How long what it signs can be included, in milliseconds. */
  readonly validityMs: number
  readonly lanes: number
  /** How far the ledger's clock is ahead, in milliseconds: a successor starts when the dead one's lease has run out. */
  readonly ahead: number
  /** The budget, in dollars a day. */
  readonly limit: string
  readonly calls: readonly { readonly path: string; readonly key: string }[]
  /** The boundary to die at; 0: none. */
  readonly killAt: number
  /** The boundary to say so at; 0: none. */
  readonly tellAt: number
  /** Looks into every doubt beside the calls. */
  readonly reconcile: boolean
}

/** What a payer's word about a boundary begins with; its other words are about answers. */
export const AT = '@ '

/** What a process that asks a person, or answers for one, is told. */
export interface ApprovalJob extends Omit<Job, 'calls' | 'ahead' | 'tellAt' | 'reconcile'> {
  readonly role: 'asks' | 'answers'
  readonly path: string
  readonly key: string
}

/** What a process that pays through Stripe is told. */
export interface StripeJob {
  /** Where Stripe's API is: a port of this machine. */
  readonly stripe: number
  readonly paymentMethod: string
  readonly url: string
  readonly key: string
  readonly ledger: string
  readonly killAt: number
}

/** What a process that pays by sessions is told. */
export interface SessionJob {
  readonly account: Hex
  readonly rpc: string
  readonly chain: number
  readonly escrow: Hex
  readonly origin: string
  readonly paths: readonly string[]
  /** What it locks up at first. Default: one price, so that the second call tops it up. */
  readonly deposit?: string
  readonly ledger: string
  readonly killAt: number
}
