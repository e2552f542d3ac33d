import { stringify } from 'csv-stringify/sync'
import type { OpenedView } from '../../config/index.js'
import { clean } from '../../errors/index.js'
import type { Payment } from '../../index.js'
import { accounted } from '../accounts.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import { symbolOfUnit, timeFact, unitsFact } from '../facts.js'
import { listed, originOf } from '../ledger-reading.js'
import { misuse } from '../misuse.js'
import { given, paymentFact } from '../payment-facts.js'
import { jsonText, writeLine } from '../print.js'
import { receiptFact } from '../receipt-facts.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'
import type { Terminal } from '../terminal.js'
import { timeOf } from '../times.js'

/** The options of `purser export`. */
export interface ExportOptions extends CommonOptions {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly vendor?: string | undefined
  readonly agent?: string | undefined
  readonly format: 'csv' | 'jsonl'
}

type ExportRow = JsonOf<'export'>

/** The longest time between a decision, at which budgets count a payment, and the payment's creation. */
const DECIDED_BEFORE_MS = 60_000

/** Writes the payments that count in a period, and the gaps of the ledger that count in it. */
export const exportPayments: Action<ExportOptions> = async ({ options, terminal }) => {
  const now = Date.now()
  const { from, to } = options
  const period = {
    from: from === undefined ? 0 : timeOf(from, '--from', now),
    to: to === undefined ? Number.POSITIVE_INFINITY : timeOf(to, '--to', now),
  }
  if (period.from >= period.to) throw misuse('--from must be before --to')
  const rows = listed(options, terminal, (opened) => exportRows(opened, { ...options, ...period }))
  return options.format === 'csv' && options.json !== true
    ? writeCsv(rows, terminal)
    : writeLines(rows, terminal)
}

/** Selects the rows of an export. */
export interface ExportQuery {
  readonly from: number
  readonly to: number
  readonly vendor?: string | undefined
  readonly agent?: string | undefined
}

/**
 * Returns the payments that budgets count in a period, the oldest first, and the gaps. A payment that was authorized
 * again counts at that time, which may be long after it was created. So every payment before the end of the period is
 * read.
 */
export async function* countedPayments(
  { view }: Pick<OpenedView, 'view'>,
  { from, to, vendor, agent }: ExportQuery & { readonly from: number },
): AsyncGenerator<Payment> {
  const query = given({
    to: Number.isFinite(to) ? to + DECIDED_BEFORE_MS : undefined,
    vendor: vendor === undefined ? undefined : originOf(vendor),
    agent,
  })
  const states = ['held', 'committed', 'settled', 'released'] as const
  for await (const payment of view.payments({ ...query, states, order: 'oldest' })) {
    const { countedAt } = payment
    if (countedAt >= from && countedAt < to) yield payment
  }
}

async function* exportRows(opened: OpenedView, query: ExportQuery): AsyncGenerator<ExportRow> {
  // The ledger does not know whose the payments of a gap were.
  if (query.vendor === undefined && query.agent === undefined) yield* gapRows(opened, query)
  for await (const payment of countedPayments(opened, query)) yield paymentRow(payment)
}

async function* gapRows({ view }: OpenedView, { from, to }: ExportQuery): AsyncGenerator<ExportRow> {
  for (const { since, confirmed } of await view.gaps()) {
    if (confirmed === undefined || confirmed.at < from || confirmed.at >= to) continue
    const { at, by, spent, payments, unit } = confirmed
    yield {
      row: 'gap',
      since: timeFact(since),
      countedAt: timeFact(at),
      by,
      ...given({ counted: spent === undefined ? undefined : unitsFact(spent, symbolOfUnit(unit)), payments }),
    }
  }
}

function paymentRow(payment: Payment): ExportRow {
  const { unit, open, payments } = accounted(payment)
  const { id, peg, rate } = payment.terms.most.currency
  return {
    row: 'payment',
    ...paymentFact(payment),
    currency: id,
    ...given({ rate: id === unit || peg === unit ? '1' : rate?.most }),
    final: open === 0n && payment.state !== 'held' && payment.state !== 'committed',
    payments,
    receipts: payment.receipts.map(receiptFact),
  }
}

async function writeLines(rows: AsyncIterable<ExportRow>, { stdout }: Terminal): Promise<ExitCode> {
  for await (const row of rows) await writeLine(stdout, jsonText(row))
  return EXIT.done
}

/** The columns of the CSV. Their order and their names do not change; new ones are added at the end. */
const COLUMNS = [
  'row',
  'id',
  'counted_at',
  'created',
  'agent',
  'tasks',
  'tool',
  'vendor',
  'operation',
  'kind',
  'network',
  'state',
  'delivered',
  'price',
  'paid',
  'fee',
  'fee_at_most',
  'symbol',
  'currency',
  'rate',
  'counted',
  'unit',
  'final',
  'payments',
  'deposit',
  'proof',
  'reference',
  'receipts',
  'reason',
  'approved_by',
  'fee_symbol',
] as const

type CsvRecord = Readonly<Partial<Record<(typeof COLUMNS)[number], string>>>

const BATCH = 200

async function writeCsv(rows: AsyncIterable<ExportRow>, { stdout }: Terminal): Promise<ExitCode> {
  await writeLine(stdout, COLUMNS.join(','))
  let batch: CsvRecord[] = []
  const flush = async () => {
    if (batch.length > 0) await writeLine(stdout, csvText(batch))
    batch = []
  }
  for await (const row of rows) {
    batch.push(csvRecord(row))
    if (batch.length === BATCH) await flush()
  }
  await flush()
  return EXIT.done
}

/** Returns lines of CSV. A text that a spreadsheet would run as a formula gets a `'` before it. */
function csvText(records: readonly CsvRecord[]): string {
  return stringify([...records], { columns: [...COLUMNS], escape_formulas: true })
}

function csvRecord(row: ExportRow): CsvRecord {
  const record: CsvRecord =
    row.row === 'gap'
      ? {
          row: 'gap',
          created: row.since,
          counted_at: row.countedAt,
          counted: row.counted?.value ?? '',
          unit: row.counted?.currency ?? '',
          payments: String(row.payments ?? ''),
          approved_by: row.by,
        }
      : csvPayment(row)
  // Servers wrote some of the texts. A program that shows the file may act on their control characters.
  return Object.fromEntries(Object.entries(record).map(([name, text]) => [name, clean(text, 10_000)]))
}

function csvPayment(row: Extract<ExportRow, { row: 'payment' }>): CsvRecord {
  return {
    row: 'payment',
    id: row.id,
    counted_at: row.countedAt,
    created: row.created,
    agent: row.agent,
    tasks: row.tasks.join('/'),
    tool: row.tool ?? '',
    vendor: row.vendor,
    operation: row.operation,
    kind: row.kind,
    network: row.network,
    state: row.state,
    delivered: String(row.delivered),
    price: row.price.value,
    paid: row.paid?.value ?? '',
    fee: row.fee?.value ?? '',
    fee_at_most: row.feeAtMost?.value ?? '',
    symbol: (row.paid ?? row.price).currency,
    currency: row.currency,
    rate: row.rate ?? '',
    counted: row.counted.value,
    unit: row.counted.currency,
    final: String(row.final),
    payments: String(row.payments),
    deposit: row.deposit?.value ?? '',
    proof: row.proof ?? '',
    reference: row.reference ?? '',
    receipts: row.receipts.length === 0 ? '' : jsonText(row.receipts.map(({ claims }) => claims)),
    reason: row.reason ?? '',
    approved_by: row.approvedBy ?? '',
    fee_symbol: (row.fee ?? row.feeAtMost)?.currency ?? '',
  }
}
