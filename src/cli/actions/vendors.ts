import type { Payment } from '../../index.js'
import { amountFact, symbolOfUnit, timeFact, unitsFact } from '../facts.js'
import { withView } from '../ledger-reading.js'
import { given, stateOf, unitOf } from '../payment-facts.js'
import { priceText, unitText } from '../payment-text.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'
import { type Column, table } from '../table.js'
import { timeOf } from '../times.js'
import { moneyText, vendorText } from '../words.js'

/** The options of `purser vendors`. */
export interface VendorsOptions extends CommonOptions {
  readonly since?: string | undefined
}

const MONTH = 30 * 86_400_000

/** Lists vendors with their sums, the one with the newest payment first. */
export const vendors: Action<VendorsOptions> = async ({ options, terminal }) => {
  const now = Date.now()
  const { since } = options
  const from = since === undefined ? undefined : timeOf(since, '--since', now)
  const found = await withView(options, terminal, async ({ view }) => {
    const records = new Map<string, VendorRecord>()
    for await (const payment of view.payments(given({ from }))) add(records, payment, now)
    const pins = await view.pins()
    const payeesOf = (vendor: string) =>
      pins.filter((pin) => pin.vendor === vendor).map(({ rail, payee }) => ({ rail, payee }))
    return [...records.values()].map((record) => ({ ...record, payees: payeesOf(record.vendor) }))
  })
  return {
    kind: 'rows',
    rows: found.map(factOf),
    text: async (style) =>
      found.length === 0
        ? 'No payments.'
        : table(
            COLUMNS,
            found.map((record) => rowOf(record)),
            style,
          ),
  }
}

/** The sums of a vendor in one unit. Payments are added from the newest to the oldest. */
interface VendorRecord {
  readonly vendor: string
  readonly unit: string
  payments: number
  delivered: number
  open: number
  refused: number
  counted: bigint
  first: number
  last: number
  newest?: Payment
  before?: Payment
}

function add(records: Map<string, VendorRecord>, payment: Payment, now: number): void {
  const { vendor } = payment.resource
  const unit = unitOf(payment)
  const key = `${unit} ${vendor}`
  const at = payment.createdAt
  const empty = {
    vendor,
    unit,
    payments: 0,
    delivered: 0,
    open: 0,
    refused: 0,
    counted: 0n,
    first: at,
    last: at,
  }
  const record: VendorRecord = records.get(key) ?? empty
  records.set(key, record)
  record.first = at
  record.counted += payment.units
  const state = stateOf(payment)
  if (state === 'refused') record.refused += payment.times ?? 1
  else if (state === 'settled' || state === 'undelivered') {
    record.payments++
    if (payment.delivered) record.delivered++
    record.newest ??= payment
    if (at <= now - MONTH && isAlike(payment, record.newest)) record.before ??= payment
  } else if (state !== 'released') record.open++
}

function isAlike(a: Payment, b: Payment): boolean {
  return (
    a.resource.operation === b.resource.operation &&
    a.terms.kind === b.terms.kind &&
    a.terms.most.currency.id === b.terms.most.currency.id
  )
}

type Found = VendorRecord & Pick<JsonOf<'vendors'>, 'payees'>

function factOf({ vendor, unit, newest, before, first, last, counted, ...counts }: Found): JsonOf<'vendors'> {
  const { payments, delivered, open, refused, payees } = counts
  return {
    ...{ vendor, payments, delivered, open, refused },
    counted: unitsFact(counted, symbolOfUnit(unit)),
    first: timeFact(first),
    last: timeFact(last),
    ...given({
      operation: newest?.resource.operation,
      price: newest && amountFact(newest.spent ?? newest.terms.most),
      priceBefore: before && amountFact(before.spent ?? before.terms.most),
    }),
    payees,
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'vendor', cut: true, least: 12 },
  { title: 'paid', align: 'right' },
  { title: 'delivered', align: 'right' },
  { title: 'refused', align: 'right' },
  { title: 'counted', align: 'decimal' },
  { title: 'price', align: 'decimal' },
  { title: 'a month ago', align: 'decimal' },
  { title: 'payees' },
]

function rowOf({ vendor, unit, payments, delivered, refused, counted, newest, before, payees }: Found) {
  // Rounded down: 100 % means all.
  const share = payments === 0 ? '-' : `${Math.floor((delivered * 100) / payments)} %`
  return [
    vendorText(vendor),
    String(payments),
    share,
    String(refused),
    moneyText(unitsFact(counted, symbolOfUnit(unit))),
    newest === undefined ? '-' : priceText(newest),
    before === undefined ? '-' : unitText(before.spent ?? before.terms.most, unit),
    payees.length === 0 ? '-' : `${payees.length} pinned`,
  ]
}
