import { ownOptions } from '../../errors/index.js'
import { type Amount, amount, type Currency } from '../../money/index.js'
import type { Fee } from '../../policy/index.js'

/** The kind of nonce of a transaction, which decides most of its gas. */
export type NonceUse = 'expiring' | 'fresh' | 'reused'

/** Gas limits and prices. Unused gas is not charged; the limit bounds the possible loss. */
export interface GasOptions {
  /** The limit of a charge on an expiring nonce. */
  readonly expiring?: bigint
  /** The limit of the first charge on a lane, which creates the lane. */
  readonly fresh?: bigint
  /** The limit of a charge on a lane that was used before. */
  readonly reused?: bigint
  /**
   * Added for each split after the first, which the other limits cover. The first transfer to a payee who never held
   * the token is expensive.
   */
  readonly split?: bigint
}

/**
 * A transfer uses 44,000 to 52,000 gas, and 250,000 more for each storage slot that it creates (a lane, a payee's first
 * balance). The limits are higher because servers simulate before they broadcast: a simulation has no signature, so the
 * node reserves gas for the largest kind of signature. Local nodes required 784,000 on an expiring nonce, 1,022,000 on
 * a fresh lane and 776,000 on a reused one, for any number of transfers.
 */
const LIMITS = { expiring: 790_000n, fresh: 1_030_000n, reused: 790_000n, split: 275_000n }
/** The most gas that reference sponsors pay for. */
const MOST_SPONSORED = 2_000_000n
const USUAL = { expiring: 51_500n, fresh: 288_500n, reused: 43_700n, split: 20_000n }

/** The protocol's fixed base fee (TIP-1010), in attodollars. */
export const BASE_FEE = 20_000_000_000n

export type GasTable = Required<GasOptions>

/** @throws TypeError if a limit is not a positive bigint. */
export function gasTable(own: GasOptions = {}): GasTable {
  const given = ownOptions(own, LIMITS, 'gas of tempo()')
  for (const [name, value] of Object.entries(given))
    if (typeof value !== 'bigint' || value <= 0n)
      throw new TypeError(`gas.${name} must be a bigint above zero`)
  return { ...LIMITS, ...given }
}

export function gasLimit(table: GasTable, use: NonceUse, splits: number): bigint {
  return table[use] + table.split * BigInt(Math.max(0, splits - 1))
}

export function sponsoredLimit(table: GasTable, splits: number): bigint {
  const limit = gasLimit(table, 'expiring', splits)
  return limit < MOST_SPONSORED ? limit : MOST_SPONSORED
}

/**
 * Returns the maximum and the usual fee, in the fee token. The maximum covers every kind of nonce that the ledger may
 * grant, so it does not change between two quotes.
 */
export function feeOf(
  table: GasTable,
  uses: readonly NonceUse[],
  splits: number,
  price: bigint,
  token: Currency,
): Fee {
  const limits = uses.map((use) => gasLimit(table, use, splits))
  const bound = limits.reduce((most, limit) => (limit > most ? limit : most), 0n)
  const use = uses.includes('reused') ? 'reused' : 'expiring'
  return {
    bound: feeAmount(bound, price, token),
    usual: feeAmount(USUAL[use] + USUAL.split * BigInt(splits), BASE_FEE, token),
  }
}

/** Converts gas at a price in attodollars to smallest units of a dollar token, rounded up as the chain does. */
export function feeAmount(gas: bigint, price: bigint, token: Currency): Amount {
  const cost = gas * price
  if (token.decimals >= 18) return amount(cost * 10n ** BigInt(token.decimals - 18), token)
  const part = 10n ** BigInt(18 - token.decimals)
  return amount((cost + part - 1n) / part, token)
}
