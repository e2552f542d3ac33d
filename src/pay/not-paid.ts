import { clean, type Reason } from '../errors/index.js'
import type { Challenge, OfferKind, ReplyInfo, Resource } from '../protocol/index.js'
import type { Wallet } from '../wallet/index.js'

/** A 402 that was handed on unpaid although policy refused nothing, and every reason why. The reply is the server's own. */
export interface NotPaid {
  readonly state: 'not_paid'
  readonly reasons: readonly Reason[]
  /** What was called. Absent for an address that no credential may travel to. */
  readonly resource?: Resource
}

/** Says why a 402 with these offers is not paid: what cannot be read in it, and what no wallet here pays. */
export function whyNotPaid(
  { offers, reasons = [] }: Pick<Extract<ReplyInfo, { kind: 'payment-required' }>, 'offers' | 'reasons'>,
  wallets: readonly Pick<Wallet, 'kinds'>[],
): readonly Reason[] {
  const missing = noWallet(offers, wallets)
  return missing === undefined ? reasons : [missing, ...reasons]
}

/** Does a wallet here pay offers of this kind? */
export function paysKind(wallets: readonly Pick<Wallet, 'kinds'>[], kind: OfferKind): boolean {
  return wallets.some(({ kinds }) => kinds.includes(kind))
}

/** The kinds that are offered and that no wallet here pays, as one reason. */
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

/** A server chooses the names of kinds. */
const MOST_KIND = 60
