import { type Currency, type CurrencyTable, fiat } from '../../money/index.js'

/** The currencies that Stripe counts in whole units. */
const NONE = 'bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'
/** Currencies with three decimals, of which the last is always 0, because card networks round there. */
const THREE = 'bhd jod kwd omr tnd'
/** Currencies with two decimals on the wire that have no subunit: the amount is always a multiple of a hundred. */
const WHOLE = 'isk ugx'
const TWO = `
  aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc cve czk
  dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr kyd kzt lak
  lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar
  ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx usd uyu uzs wst xcd yer
  zar zmw`

/** The smallest charge that Stripe accepts, in smallest units. For other currencies Purser does not know a minimum. */
export const LEAST: ReadonlyMap<string, bigint> = new Map<string, bigint>(
  Object.entries({
    ...{ aed: 200n, ars: 50n, aud: 50n, bgn: 100n, brl: 50n, cad: 50n, chf: 50n, cop: 50n, czk: 1_500n },
    ...{ dkk: 250n, eur: 50n, gbp: 30n, hkd: 400n, huf: 17_500n, idr: 50n, ils: 50n, inr: 50n, jpy: 50n },
    ...{ krw: 50n, mxn: 1_000n, myr: 200n, nok: 300n, nzd: 50n, php: 50n, pln: 200n, ron: 200n, rub: 50n },
    ...{ sek: 300n, sgd: 50n, thb: 1_000n, usd: 50n, zar: 50n },
  }),
)

/** The smallest step of an amount, if it is not 1. */
export const STEPS: ReadonlyMap<string, bigint> = new Map<string, bigint>([
  ...split(THREE).map((code): [string, bigint] => [code, 10n]),
  ...split(WHOLE).map((code): [string, bigint] => [code, 100n]),
])

const KNOWN: ReadonlyMap<string, Currency> = new Map(
  [
    ...split(NONE).map((code): [string, number] => [code, 0]),
    ...split(TWO).map((code): [string, number] => [code, 2]),
    ...split(THREE).map((code): [string, number] => [code, 3]),
  ].map(([code, decimals]) => [code, fiat(code.toUpperCase(), decimals)]),
)

function split(codes: string): string[] {
  return codes.trim().split(/\s+/)
}

/**
 * Returns an ISO 4217 currency with Stripe's decimals. The user's rate and peg for it are kept; other decimals are
 * ignored, because the amount is Stripe's.
 *
 * @param code - As in an offer, in lower case.
 */
export function currencyOf(code: string, table: CurrencyTable): Currency | undefined {
  const ours = KNOWN.get(code)
  const theirs = ours && table.get(ours.id)
  return theirs === undefined
    ? ours
    : Object.freeze({ ...theirs, decimals: ours?.decimals ?? theirs.decimals })
}
