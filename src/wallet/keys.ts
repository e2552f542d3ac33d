import type { Amount, Currency, Instant } from '../money/index.js'
import type { OfferKind } from '../protocol/index.js'

/** The request to authorize an access key. */
export interface AccessKeyRequest {
  /** The key's address, or the account object that holds the key. */
  readonly key: AccessKeyName
  readonly expires: Instant
  /** One entry per token. The key cannot touch a token without an entry. */
  readonly limits: readonly AccessKeyLimit[]
  /** The allowed recipients, in lower case. The key can never pay anyone else. */
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

/** The most that the key can spend in one token, fees included. */
export interface AccessKeyLimit {
  readonly amount: Amount
  /** The period after which the limit resets, in milliseconds from the authorization. Absent if it never resets. */
  readonly periodMs?: number
  /** `payments`: the token may be transferred. `fees`: it only pays fees. */
  readonly use: 'payments' | 'fees'
}

/** An allowance: a spender that may take tokens from the account, outside the limits of any key. */
export interface OpenAllowance {
  readonly currency: Currency
  readonly spender: string
  readonly amount: Amount
}

/** The known allowances of an account. */
export interface Allowances {
  readonly open: readonly OpenAllowance[]
  /**
   * `all`: everyone who was ever given an allowance. `known`: the node has no old logs, so only usual spenders were
   * checked.
   */
  readonly searched: 'all' | 'known'
}

/** A key that is ready to be authorized. Nothing has been signed. */
export interface AccessKeyProposal {
  readonly key: string
  readonly allowances: Allowances
  /** The most that the authorization costs the account. */
  readonly cost: Amount
  /**
   * Signs the authorization with the account's main key and waits until it is on the chain.
   *
   * @returns The key as the chain now knows it.
   * @throws PaymentError `refused` if allowances are open or could not all be checked, unless the options accept them.
   */
  authorize(options?: AuthorizeKeyOptions): Promise<AuthorizedKey>
}

/** Options for authorizing a key. */
export interface AuthorizeKeyOptions {
  /**
   * Authorizes the key even if a spender may take tokens outside its limits, or if that could not be checked.
   *
   * @default false
   */
  readonly despiteAllowances?: boolean
}

/** An authorized key, as the chain knows it. */
export interface AuthorizedKey {
  readonly key: string
  /** The hash of the transaction. */
  readonly reference: string
  readonly fee: Amount
}

/** Manages the access keys of one account on one network, with the account's main key. */
export interface AccessKeyManager {
  readonly account: string
  /** The CAIP-2 id of the network. */
  readonly network: string
  /** The kind of offers that its keys pay: `tempo/charge`. */
  readonly kind: OfferKind
  /** Proposes an authorization: its limits, the objections, and its cost. Signs nothing. */
  propose(wish: AccessKeyRequest): Promise<AccessKeyProposal>
}
