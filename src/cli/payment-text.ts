import type { Payment } from '../index.js'
import { amountFact } from './facts.js'
import { type PaymentFact, paymentFact, unitOf } from './payment-facts.js'
import type { Color, Style } from './style.js'
import { type Column, table } from './table.js'
import { inText, moneyText, spanText, vendorText } from './words.js'

/** The number of characters at the end of an id that tables show. Ids begin with a time, so they differ at the end. */
const SHORT = 6

/** Returns payments as a table for people. */
export function paymentsText(payments: readonly Payment[], now: number, style: Style): string {
  if (payments.length === 0) return 'No payments.'
  const rows = payments.map((payment) => rowOf(payment, now))
  // If all payments are of one agent, its column would only take the room of the others.
  const agents = new Set(payments.map(({ context }) => context.agent))
  const shown = agents.size > 1 ? rows : rows.map((row) => row.toSpliced(AGENT, 1))
  return table(agents.size > 1 ? COLUMNS : COLUMNS.toSpliced(AGENT, 1), shown, style)
}

const AGENT = 2

const COLUMNS: readonly Column[] = [
  { title: 'id' },
  { title: 'ago', align: 'right' },
  { title: 'agent', cut: true, least: 6 },
  { title: 'vendor', cut: true, least: 10 },
  { title: 'what', cut: true, least: 8 },
  { title: 'price', align: 'decimal' },
  { title: 'fee', align: 'decimal' },
  { title: 'state', cut: true, least: 20, color: colorOf },
]

function rowOf(payment: Payment, now: number): readonly string[] {
  const fact = paymentFact(payment)
  return [
    shortId(fact.id),
    spanText(now - payment.createdAt),
    fact.agent,
    vendorText(fact.vendor),
    fact.operation,
    priceText(payment),
    feeText(fact),
    stateText(fact, now),
  ]
}

export function shortId(id: string): string {
  return id.slice(-SHORT)
}

/** The money that moved, or the agreed price. Its currency is named if it is not worth the policy's unit one to one. */
export function priceText(payment: Pick<Payment, 'spent' | 'terms' | 'unit'>): string {
  return unitText(payment.spent ?? payment.terms.most, unitOf(payment))
}

/** Returns an amount as a number, and with its currency if that is not worth the policy's unit one to one. */
export function unitText(amount: Payment['terms']['most'], unit: string): string {
  const { id, peg } = amount.currency
  const fact = amountFact(amount)
  return id === unit || peg === unit ? moneyText(fact) : `${fact.value} ${fact.currency}`
}

/** `?`: a fee may have been taken, and Purser does not know it yet. */
export function feeText({ fee, feeAtMost, state }: PaymentFact): string {
  if (fee !== undefined) return moneyText(fee)
  const mayHaveFee = state === 'settled' || state === 'undelivered' || state === 'doubt'
  return mayHaveFee && feeAtMost !== undefined ? '?' : '-'
}

/** Returns the state of a payment in words. */
export function stateText(payment: PaymentFact, now: number): string {
  const { state, reasons, times, recheck, deposit } = payment
  switch (state) {
    case 'refused': {
      const rule = reasons[0]?.rule ?? payment.reason ?? ''
      const more = reasons.length > 1 ? ` +${reasons.length - 1}` : ''
      return `refused: ${rule}${more}${times === undefined ? '' : ` (${times} times)`}`
    }
    case 'waiting':
      return 'waits for a person'
    case 'progress':
      return 'in progress'
    case 'held':
      return 'held, its process has ended'
    case 'doubt': {
      const at = recheck === undefined ? undefined : Date.parse(recheck)
      return at === undefined ? 'in doubt' : `in doubt, check ${inText(at, now)}`
    }
    case 'settled':
      return deposit === undefined ? 'settled' : `settled, deposit ${moneyText(deposit)}`
    case 'undelivered':
      return 'paid, not delivered'
    case 'released':
      return 'not paid'
  }
}

function colorOf(text: string): Color | undefined {
  if (text.startsWith('refused') || text.startsWith('paid, not')) return 'red'
  return text.startsWith('in doubt') || text.startsWith('waits') ? 'yellow' : undefined
}
