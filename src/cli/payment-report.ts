import { placeOfRule } from '../config/index.js'
import { clean, type Funds, isPaymentError, type PaymentError, type Reason } from '../errors/index.js'
import type { ApprovalRequest, NotPaid, Outcome, Payment } from '../index.js'
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.js'
import { timeFact } from './facts.js'
import { leftFor, leftText } from './left.js'
import { type OpenedPurser, shownPath } from './open-purser.js'
import { priceFact } from './price.js'
import { linesOf } from './problem.js'
import type { JsonOf } from './schemas.js'

/** The facts of one call, as JSON, as lines for a person, and as an exit code. */
export interface Report {
  readonly json: JsonOf<'fetch'>
  readonly text: string
  readonly code: ExitCode
  /** True if `-s` hides it: nothing went wrong. */
  readonly quiet: boolean
}

/** The inputs of a report that do not depend on the outcome. */
export interface ReportContext {
  readonly opened: OpenedPurser
  readonly url: URL
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Whether an outcome is a payment: it has a ledger entry. */
export function isPayment(outcome: Outcome | undefined): outcome is Payment {
  return outcome !== undefined && 'live' in outcome
}

/** Returns the report of an answer that came, after its body was read. Undefined if no money was involved. */
export async function paidReport(
  payment: Payment,
  status: number,
  { broken }: { readonly broken: boolean },
  { opened }: ReportContext,
): Promise<Report> {
  const { purser, policy } = opened
  const { units, spent, terms, state, resource, fee } = payment
  const paid = priceFact(spent ?? terms.most, policy)
  const delivered = payment.delivered && !broken
  const code = delivered || units === 0n ? EXIT.done : state === 'settled' ? EXIT.undelivered : EXIT.doubt
  const left = await leftFor(purser, resource.vendor, policy.symbol)
  // Until the fee is known, the budgets count the highest fee.
  const least = fee === undefined && terms.fee !== undefined ? 'at least ' : ''
  const rest = left === undefined ? '' : `, ${least}${leftText(left)}`
  const to = `to ${new URL(resource.vendor).host} (${terms.kind})`
  const amount = `${paid.value} ${paid.currency}`
  const text = {
    [EXIT.done]: units === 0n ? 'nothing was paid' : `paid ${amount} ${to}${rest}`,
    [EXIT.undelivered]: `purser: paid ${amount} ${to}, and the answer did not come whole (status ${status}).\nThe money was paid${rest}.\nThe same request is not paid again for a while. The ledger has it: purser payment ${payment.id}`,
    [EXIT.doubt]: `purser: sent ${amount} ${to}, and its outcome is not known yet (status ${status}).\nMoney may have moved. It counts as spent until this is known.\npurser recover`,
  }[code]
  return {
    json: {
      outcome: code === EXIT.done ? 'delivered' : code === EXIT.doubt ? 'in_doubt' : 'undelivered',
      funds: units === 0n ? 'untouched' : state === 'settled' ? 'settled' : 'unknown',
      status,
      payment: paymentFact(payment, opened),
      ...(left === undefined ? {} : { left }),
    },
    text,
    code,
    quiet: code === EXIT.done,
  }
}

/** Returns the report of a 402 that no payment was tried for. */
export async function notPaidReport(
  { reasons }: NotPaid,
  status: number,
  context: ReportContext,
): Promise<Report> {
  const ofPolicy = reasons.some(({ rule }) => OF_POLICY.test(rule))
  const text = [
    `${ofPolicy ? 'refused' : 'purser'}: ${sentences(reasons)}`,
    `Nothing was paid.${await placesText(reasons, context)}`,
    ...(reasons.some(({ rule }) => rule === 'vendors')
      ? [`purser vendor add ${context.url.origin}`]
      : [`purser quote '${context.url.href}'`]),
  ].join('\n')
  return {
    json: { outcome: 'not_paid', funds: 'untouched', status, reasons: reasons.map(reasonFact) },
    text,
    code: ofPolicy ? EXIT.refused : EXIT.failed,
    quiet: false,
  }
}

const OF_POLICY = /^(?:vendors|unlisted|agents|currenc|networks)/

/** Returns the report of a call that failed with an error of Purser. */
export async function errorReport(error: PaymentError, context: ReportContext): Promise<Report> {
  const { funds, reasons } = error
  const code = exitCodeOf(error)
  const next = nextStep(error, code, context)
  const text =
    code === EXIT.refused
      ? [
          `refused: ${clean(error.message, 1000)}`,
          `${funds === 'held' ? 'Nothing was paid. The budget is still held.' : 'Nothing was paid.'}${await placesText(reasons, context)}`,
        ].join('\n')
      : linesOf(error).trimEnd()
  return {
    json: {
      outcome: OUTCOMES[code] ?? 'failed',
      funds,
      error: { code: error.code, message: clean(error.message, 1000) },
      reasons: reasons.map(reasonFact),
      ...(error.paymentId === undefined ? {} : { payment_id: error.paymentId }),
      ...(next === undefined ? {} : { next_step: next }),
    },
    text: next === undefined ? text : `${text}\n${code === EXIT.waits ? 'next_step: ' : ''}${next}`,
    code,
    quiet: false,
  }
}

const OUTCOMES: Readonly<Partial<Record<ExitCode, JsonOf<'fetch'>['outcome']>>> = {
  [EXIT.refused]: 'refused',
  [EXIT.waits]: 'waits',
  [EXIT.doubt]: 'in_doubt',
  [EXIT.undelivered]: 'undelivered',
  [EXIT.frozen]: 'frozen',
  [EXIT.network]: 'failed',
}

/** Returns the report of a call that waits for a person: its question stays in the ledger. */
export function waitsReport({ id, reasons, expires }: ApprovalRequest): Report {
  const next = `purser approve ${id}`
  return {
    json: {
      outcome: 'waits',
      funds: 'untouched',
      reasons: reasons.map(reasonFact),
      approval: { id, expires: timeFact(expires) },
      next_step: next,
    },
    text: [
      `waits for a person: ${sentences(reasons)}`,
      `Nothing was paid. The question is open until ${timeFact(expires)}. After a yes, run the same command again.`,
      `next_step: ${next}`,
    ].join('\n'),
    code: EXIT.waits,
    quiet: false,
  }
}

/** Returns the command to type next, if there is one. */
function nextStep(error: PaymentError, code: ExitCode, { url }: ReportContext): string | undefined {
  if (code === EXIT.waits) {
    if (error.action?.kind === 'redirect') return clean(error.action.url, 2000)
    return `purser fetch '${url.href}'`
  }
  if (code === EXIT.doubt) return 'purser recover'
  if (code === EXIT.undelivered && error.paymentId !== undefined) return `purser payment ${error.paymentId}`
  if (code === EXIT.refused && error.reasons.some(({ rule }) => /budget|payments/.test(rule)))
    return 'purser budgets'
  return error.code === 'insufficient_funds' ? 'purser doctor' : undefined
}

/** ` Limit: vendors[0].perPayment in ~/.config/purser/policy.yaml (line 9)` */
async function placesText(reasons: readonly Reason[], { opened, url, env }: ReportContext): Promise<string> {
  const file = opened.places.policy
  // The limit of the call itself is in no file.
  if (file === undefined || reasons.some(({ rule }) => rule === 'maxAmount')) return ''
  for (const { rule } of reasons) {
    const place = await placeOfRule(file, rule, url.origin)
    if (place !== undefined) return ` Limit: ${place.path} in ${shownPath(file, env)} (line ${place.line})`
  }
  return ''
}

function sentences(reasons: readonly Reason[]): string {
  return clean([...new Set(reasons.map(({ message }) => message))].join(' '), 1000)
}

function reasonFact({ rule, message }: Reason): { readonly rule: string; readonly message: string } {
  return { rule, message: clean(message, 600) }
}

function paymentFact(
  { id, state, terms, spent, fee, resource, delivered }: Payment,
  { policy }: Pick<OpenedPurser, 'policy'>,
): NonNullable<JsonOf<'fetch'>['payment']> {
  return {
    id,
    state,
    delivered,
    vendor: resource.vendor,
    operation: resource.operation,
    method: terms.kind,
    network: terms.network,
    price: priceFact(spent ?? terms.most, policy),
    ...(fee === undefined ? {} : { fee: priceFact(fee, policy) }),
  }
}

/** Returns the report of a call that failed below Purser: no answer came, and nothing was paid. */
export function networkReport(error: unknown, { url }: Pick<ReportContext, 'url'>): Report {
  const why = isPaymentError(error) ? error.message : reasonOf(error)
  const funds: Funds = 'untouched'
  return {
    json: { outcome: 'failed', funds, error: { code: 'network', message: why }, reasons: [] },
    text: `purser: ${url.host} did not answer: ${why}\nNothing was paid.`,
    code: EXIT.network,
    quiet: false,
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  const message = error instanceof Error ? error.message : 'the request failed'
  const detail = cause instanceof Error && cause.message !== '' ? cause.message : message
  return clean(code === undefined || detail.includes(code) ? detail : `${detail} (${code})`, 300)
}
