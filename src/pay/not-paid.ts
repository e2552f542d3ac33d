import { clean, type Reason } from '../errors/index.js'
import type { Challenge, OfferKind, ReplyInfo, Resource } from '../protocol/index.js'
import type { Wallet } from '../wallet/index.js'

/**
 * A 402 that the caller got unpaid although policy refused nothing, with every reason. The reply is the server's own.
 */
export interface NotPaid {
  readonly state: 'not_paid'
  readonly reasons: readonly Reason[]
  /** The resource that was called. Absent for an address that no credential may be sent to. */
  readonly resource?: Resource
}

/** Returns why a 402 with these offers is not paid: offers that cannot be read, and kinds that no wallet here pays. */
export function whyNotPaid(
  { offers, reasons = [] }: Pick<Extract<ReplyInfo, { kind: 'payment-required' }>, 'offers' | 'reasons'>,
  wallets: readonly Pick<Wallet, 'kinds'>[],
): readonly Reason[] {
  const missing = noWallet(offers, wallets)
  return missing === undefined ? reasons : [missing, ...reasons]
}

/** Whether a wallet here pays offers of this kind. */
export function paysKind(wallets: readonly Pick<Wallet, 'kinds'>[], kind: OfferKind): boolean {
  return wallets.some(({ kinds }) => kinds.includes(kind))
}

/** Makes one reason of the offered kinds that no wallet here pays. */
export function noWallet(
  offers: readonly Challenge[],
  wallets: readonly Pick<Wallet, 'kinds'>[],
): Reason | undefined {
  const missing = [...new Set(offers.map(({ kind }) => kind))].filter((kind) => !paysKind(wallets, kind))
  if (missing.length === 0) return undefined
  const known = [...new Set(wallets.flatMap(({ kinds }) => kinds))]
  const asked = missing.map((kind) => clean(kind, MOST_KIND)).join(', ')
  return {
    rule: 'wallet',
    message: `No wallet here pays ${asked}. The wallets of this purser pay ${known.join(', ')}.`,
  }
}

/** The limit for a kind in a message, because a server chooses its name. */
const MOST_KIND = 60
