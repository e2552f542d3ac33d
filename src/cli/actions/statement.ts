import type { Payment } from '../../index.js'
import { accounted } from '../accounts.js'
import { symbolOfUnit, unitsFact } from '../facts.js'
import { operand, withView } from '../ledger-reading.js'
import { misuse } from '../misuse.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'
import { type Column, table } from '../table.js'
import { moneyText, vendorText } from '../words.js'
import { countedPayments } from './export.js'

/** Sums up the payments of a month for each vendor and agent. */
export const statement: Action<CommonOptions> = async ({ args, options, terminal }) => {
  const month = operand(args)
  const period = monthOf(month)
  const sums = await withView(options, terminal, async (opened) => {
    const byPair = new Map<string, Sum>()
    for await (const payment of countedPayments(opened, period)) add(byPair, payment)
    return [...byPair.values()].sort((a, b) => (totalOf(a) < totalOf(b) ? 1 : -1))
  })
  return {
    kind: 'rows',
    rows: sums.map((sum) => factOf(month, sum)),
    text: async (style) =>
      sums.length === 0
        ? `No payments in ${month}.`
        : table(COLUMNS, [...sums.map(rowOf), ...totalsOf(sums).map(rowOf)], style),
  }
}

function monthOf(text: string): { readonly from: number; readonly to: number } {
  const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) ?? []
  if (year === undefined || month === undefined)
    throw misuse(`The month must be written like 2026-11. It is ${JSON.stringify(text)}.`)
  return { from: Date.UTC(Number(year), Number(month) - 1), to: Date.UTC(Number(year), Number(month)) }
}

/** The sums of a vendor and an agent in one unit. */
interface Sum {
  readonly vendor: string
  readonly agent: string
  readonly unit: string
  payments: number
  price: bigint
  fees: bigint
  undelivered: number
  undeliveredPrice: bigint
  openPayments: number
  open: bigint
}

const NOTHING = {
  payments: 0,
  price: 0n,
  fees: 0n,
  undelivered: 0,
  undeliveredPrice: 0n,
  openPayments: 0,
  open: 0n,
}

function add(sums: Map<string, Sum>, payment: Payment): void {
  const { unit, price, fees, open, payments } = accounted(payment)
  if (payments === 0 && fees === 0n) return
  const { vendor } = payment.resource
  const { agent } = payment.context
  const key = JSON.stringify([vendor, agent, unit])
  const sum: Sum = sums.get(key) ?? { vendor, agent, unit, ...NOTHING }
  sums.set(key, sum)
  sum.price += price
  sum.fees += fees
  sum.open += open
  if (payment.state === 'settled') {
    sum.payments++
    if (payment.delivered) return
    sum.undelivered++
    sum.undeliveredPrice += price
  } else if (payments > 0) sum.openPayments++
}

function totalOf({ price, fees, open }: Pick<Sum, 'price' | 'fees' | 'open'>): bigint {
  return price + fees + open
}

/** One line for each unit. */
function totalsOf(sums: readonly Sum[]): readonly Sum[] {
  const totals = new Map<string, Sum>()
  for (const { unit, ...sum } of sums) {
    const total: Sum = totals.get(unit) ?? { vendor: 'all', agent: '', unit, ...NOTHING }
    totals.set(unit, total)
    total.payments += sum.payments
    total.price += sum.price
    total.fees += sum.fees
    total.undelivered += sum.undelivered
    total.undeliveredPrice += sum.undeliveredPrice
    total.openPayments += sum.openPayments
    total.open += sum.open
  }
  return [...totals.values()]
}

function factOf(month: string, { vendor, agent, unit, payments, ...sum }: Sum): JsonOf<'statement'> {
  const units = (value: bigint) => unitsFact(value, symbolOfUnit(unit))
  return {
    ...{ month, vendor, agent, payments },
    price: units(sum.price),
    fees: units(sum.fees),
    undelivered: { payments: sum.undelivered, price: units(sum.undeliveredPrice) },
    open: { payments: sum.openPayments, amount: units(sum.open) },
    total: units(totalOf(sum)),
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'vendor', cut: true, least: 12 },
  { title: 'agent', cut: true },
  { title: 'paid', align: 'right' },
  { title: 'price', align: 'decimal' },
  { title: 'fees', align: 'decimal' },
  { title: 'undelivered', align: 'right' },
  { title: 'open', align: 'decimal' },
  { title: 'total', align: 'decimal' },
  { title: '' },
]

function rowOf({ vendor, agent, unit, payments, undelivered, ...sum }: Sum): readonly string[] {
  const symbol = symbolOfUnit(unit)
  const units = (value: bigint) => moneyText(unitsFact(value, symbol))
  return [
    vendorText(vendor),
    agent,
    String(payments),
    units(sum.price),
    units(sum.fees),
    undelivered === 0 ? '-' : String(undelivered),
    sum.open === 0n ? '-' : units(sum.open),
    units(totalOf(sum)),
    symbol,
  ]
}
