/** Selects the facts of a vendor, one of its operations, and an agent. */
export interface FactsQuery {
  readonly vendor: string
  /** `GET /v1/items/*`: a path pattern, so that the ledger stores the prices of one endpoint together. */
  readonly operation: string
  readonly agent: string
  /** The currency id of the policy's unit. Prices in another unit do not apply to this policy. */
  readonly unit: string
  /** The request that Purser is about to buy, if policy needs to know whether it was bought before. */
  readonly purchase?: PurchaseQuery
}

/** A request that Purser is about to buy. */
export interface PurchaseQuery {
  readonly owner: string
  readonly fingerprint: string
  /** The caller's Idempotency-Key. */
  readonly key?: string
  /** The id of the payment for this purchase, if it has one already. That payment is not an earlier purchase. */
  readonly id?: string
  /** How long an unreported twin blocks the request, in milliseconds (`doubtWindow`). */
  readonly doubtWindowMs: number
  /** How far to look back, in milliseconds. */
  readonly withinMs: number
}
