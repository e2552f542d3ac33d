/** Whose facts: of a vendor, one of its operations, and an agent. */
export interface FactsQuery {
  readonly vendor: string
  /** `GET /v1/items/*`: a path pattern, so that prices of one endpoint are remembered together. */
  readonly operation: string
  readonly agent: string
  /** The currency id of the policy's unit: prices in another unit are not this policy's prices. */
  readonly unit: string
  /** The request that is about to be bought, if policy wants to know whether it was bought before. */
  readonly purchase?: PurchaseQuery
}

/** A request that is about to be bought. */
export interface PurchaseQuery {
  readonly owner: string
  readonly fingerprint: string
  /** The caller's Idempotency-Key. */
  readonly key?: string
  /** The payment that it is to be bought with, if it has an id already: that one is no earlier purchase. */
  readonly id?: string
  /** How long an unreported twin stands in the way, in milliseconds (`doubtWindow`). */
  readonly doubtWindowMs: number
  /** How far to look back, in milliseconds. */
  readonly withinMs: number
}
