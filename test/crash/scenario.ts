import type { Owner } from './books.js'

/** One logical request: however often it is made, under its key it may be charged once. */
export interface Purchase {
  readonly key: string
  readonly route: string
  readonly path: string
}

/** An account and a ledger that several processes share, and what they buy. */
export interface Scenario extends Owner {
  readonly name: string
  readonly purchases: readonly Purchase[]
}
