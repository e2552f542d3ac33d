import type { Amount, Currency, Instant } from '../money/index.js'
import type { OfferKind } from '../protocol/index.js'

/** What an access key is to be authorized with. */
export interface AccessKeyRequest {
  /** The key's address, or what its wallet gives for it. */
  readonly key: AccessKeyName
  readonly expires: Instant
  /** One entry per token; a token without one cannot be touched. */
  readonly limits: readonly AccessKeyLimit[]
  /** Who may receive, in lower case. Nobody else ever can. */
  readonly recipients: readonly string[]
}

/** An access key: its address, or an account that has one (secp256k1, unless it says otherwise). */
export type AccessKeyName =
  | string
  | {
      readonly address: string
      /** Set on an account of viem/tempo that acts for `address`. */
      readonly accessKeyAddress?: string | undefined
      readonly keyType?: string | undefined
    }

/** The most that leaves in one token, fees included. */
export interface AccessKeyLimit {
  readonly amount: Amount
  /** Milliseconds after which it is whole again, counted from the authorization. Absent: once and for all. */
  readonly periodMs?: number
  /** May it be transferred, or does it only pay fees? */
  readonly use: 'payments' | 'fees'
}

/** Somebody who may take tokens from the account, outside the limits of any key. */
export interface OpenAllowance {
  readonly currency: Currency
  readonly spender: string
  readonly amount: Amount
}

/** What was found out about allowances of an account. */
export interface Allowances {
  readonly open: readonly OpenAllowance[]
  /** `all`: everyone who was ever given one; `known`: the node shows no old logs, so only usual spenders were looked at. */
  readonly searched: 'all' | 'known'
}

/** A key that can be authorized. Nothing has been signed. */
export interface AccessKeyProposal {
  readonly key: string
  readonly allowances: Allowances
  /** The most that the authorization costs its account. */
  readonly cost: Amount
  /**
   * Signs with the account's own key, and waits until the chain has it.
   *
   * @throws PaymentError `refused` while allowances are open or could not all be looked at, unless they are accepted.
   */
  authorize(options?: AuthorizeKeyOptions): Promise<AuthorizedKey>
}

/** How a key is authorized. */
export interface AuthorizeKeyOptions {
  /** Authorizes although somebody may take tokens outside the limits, or nobody knows whether. */
  readonly despiteAllowances?: boolean
}

/** A key that the chain knows now. */
export interface AuthorizedKey {
  readonly key: string
  /** The transaction. */
  readonly reference: string
  readonly fee: Amount
}

/** Keeps the access keys of one account on one network, with the account's own key. */
export interface AccessKeyManager {
  readonly account: string
  /** CAIP-2. */
  readonly network: string
  /** What its keys pay: `tempo/charge`. */
  readonly kind: OfferKind
  /** Says what a key would be authorized with, what stands against it, and what that costs. Signs nothing. */
  propose(wish: AccessKeyRequest): Promise<AccessKeyProposal>
}
