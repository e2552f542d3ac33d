import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { clean, isPaymentError } from '../../errors/index.js'
import type { ApprovalRequest, PayingInit, Payment } from '../../index.js'
import type { Answer } from '../answer.js'
import { type AskedFor, answererOf, approverFor } from '../ask.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import { Interrupted, interruptible } from '../interrupt.js'
import { misuse } from '../misuse.js'
import { openPurser } from '../open-purser.js'
import {
  errorReport,
  isPayment,
  networkReport,
  notPaidReport,
  paidReport,
  type Report,
  type ReportContext,
  waitsReport,
} from '../payment-report.js'
import { quoteAnswer } from '../quote-answer.js'
import { type ReadRequest, type RequestOptions, readRequest } from '../request.js'
import type { Action, CommonOptions } from '../shell.js'
import type { Terminal, Writer } from '../terminal.js'

/** The options of `purser fetch`. */
export interface FetchOptions extends CommonOptions, RequestOptions {
  readonly agent?: string | undefined
  readonly task?: string | undefined
  readonly max?: string | undefined
  readonly key?: string | undefined
  readonly output?: string | undefined
  readonly include?: boolean | undefined
  readonly fail?: boolean | undefined
  readonly silent?: boolean | undefined
  readonly showError?: boolean | undefined
  readonly verbose?: boolean | undefined
  readonly maxTime?: number | undefined
  readonly dryRun?: boolean | undefined
  readonly send?: boolean | undefined
  readonly yes?: boolean | undefined
  readonly wait?: boolean | undefined
}

/** Calls a server and pays if policy allows it. The body goes to stdout, the facts of the payment to stderr. */
export const fetch: Action<FetchOptions> = async ({ args: [address], options, terminal }) => {
  checkOptions(options)
  const request = await readRequest(address, options, terminal)
  const about: AskedFor = {}
  const answerer = answererOf(
    { yes: options.yes === true, readsStdin: options.data?.includes('@-') === true },
    terminal,
  )
  let tell: (question: ApprovalRequest) => void = () => undefined
  const waiting = new Promise<ApprovalRequest>((resolve) => {
    tell = resolve
  })
  const approver = approverFor(answerer, terminal, { about, onOpen: (question) => tell(question) })
  const opened = await openPurser(
    options,
    terminal,
    options.dryRun === true ? {} : { approver, approvals: answerer === 'ledger' ? 'ledger' : undefined },
  )
  about.policy = opened.policy
  about.needsSignature = opened.policy.approvalSettings({ agent: opened.agent, tasks: [] }).by !== undefined
  const context: ReportContext = { opened, url: request.url, env: terminal.env }
  try {
    if (options.dryRun === true) return await dryRun(request, options, opened)
    const left = { waits: false }
    const calling = { options, terminal, context, left }
    const ended = interruptible((stop) => call(request, { ...calling, stop }))
    const question = options.wait === true ? await ended : await Promise.race([ended, waiting])
    if (typeof question === 'number') return question
    left.waits = true
    ended.catch(() => undefined)
    return tellReport(waitsReport(question), calling)
  } finally {
    await opened.purser.close()
  }
}

function checkOptions({ max, task, key, dryRun, send }: FetchOptions): void {
  if (max !== undefined && !/^(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?(?: [A-Z]{3})?$/.test(max))
    throw misuse('--max must be an amount, for example 0.02')
  if (task !== undefined && !/^[^/]{1,200}$/.test(task))
    throw misuse('--task must have 1 to 200 characters, without "/"')
  if (key === '') throw misuse('--key must not be empty')
  if (send === true && dryRun !== true) throw misuse('--send is only for --dry-run')
}

/** Asks for the price. Signs nothing. */
function dryRun(
  request: ReadRequest,
  options: FetchOptions,
  opened: ReportContext['opened'],
): Promise<Answer> {
  return quoteAnswer(request, { send: options.send === true, payment: paymentOf(options) }, opened)
}

function paymentOf({ max, task, key }: FetchOptions): NonNullable<PayingInit['payment']> {
  return {
    ...(max === undefined ? {} : { maxAmount: max }),
    ...(task === undefined ? {} : { task }),
    ...(key === undefined ? {} : { idempotencyKey: key }),
  }
}

interface Calling {
  readonly options: FetchOptions
  readonly terminal: Terminal
  readonly context: ReportContext
  /** Aborted by Ctrl-C. */
  readonly stop: AbortSignal
  /** Whether the command ends while its call waits for a person. */
  readonly left: { readonly waits: boolean }
}

async function call({ url, init }: ReadRequest, calling: Calling): Promise<ExitCode> {
  const { options, terminal, context, stop } = calling
  const { purser } = context.opened
  const signals = options.maxTime === undefined ? [stop] : [stop, AbortSignal.timeout(options.maxTime * 1000)]
  if (options.verbose === true) terminal.stderr.write(requestHead(url, init))
  let reply: Response
  try {
    reply = await purser.fetch(url, {
      ...init,
      signal: AbortSignal.any(signals),
      payment: paymentOf(options),
    })
  } catch (error) {
    if (calling.left.waits) return EXIT.waits
    return tellReport(await failureReport(error, calling), calling)
  }
  if (options.verbose === true) terminal.stderr.write(responseHead(reply, '< '))
  const outcome = purser.paymentFor(reply)
  if (outcome?.state === 'not_paid') {
    await reply.body?.cancel()
    return tellReport(await notPaidReport(outcome, reply.status, context), calling)
  }
  return deliver(reply, isPayment(outcome) ? outcome : undefined, calling)
}

/** Writes the body as it comes, and then says what was paid. */
async function deliver(reply: Response, paid: Payment | undefined, calling: Calling): Promise<ExitCode> {
  const { options, context, stop } = calling
  const isError = reply.status >= 400
  const end = options.fail === true && isError ? await drop(reply) : await writeReply(reply, calling)
  if (paid === undefined) {
    if (end === 'broken') {
      const why = stop.aborted ? 'it was stopped' : 'the answer broke off'
      return tellReport(networkReport(new Error(why), context), calling)
    }
    if (end === 'unwritten') return EXIT.failed
    return options.fail === true && isError ? EXIT.httpError : EXIT.done
  }
  // The reading of a stream may have paid more since its head came.
  const outcome = context.opened.purser.paymentFor(reply)
  const payment = isPayment(outcome) ? outcome : paid
  const report = await paidReport(payment, reply.status, { broken: end === 'broken' }, context)
  const code = tellReport(report, calling)
  if (code !== EXIT.done) return code
  if (end === 'unwritten') return EXIT.failed
  return options.fail === true && isError ? EXIT.httpError : EXIT.done
}

/** How the body ended: it came whole, it broke off, or this side could not write it. */
type BodyEnd = 'whole' | 'broken' | 'unwritten'

async function drop(reply: Response): Promise<BodyEnd> {
  await reply.body?.cancel()
  return 'whole'
}

async function writeReply(reply: Response, { options, terminal }: Calling): Promise<BodyEnd> {
  const { output } = options
  const file = output === undefined || output === '-' ? undefined : createWriteStream(output)
  const to: Writer = file ?? terminal.stdout
  let failed: BodyEnd = 'unwritten'
  async function* parts(): AsyncGenerator<Uint8Array> {
    if (options.include === true || options.head === true) yield Buffer.from(responseHead(reply, ''))
    try {
      for await (const chunk of reply.body ?? []) yield chunk
    } catch (error) {
      failed = 'broken'
      throw error
    }
  }
  try {
    // stdout stays open: other commands of this process may write to it.
    await pipeline(parts, to, { end: file !== undefined })
    return 'whole'
  } catch {
    const end: BodyEnd = failed
    if (end === 'unwritten' && output !== undefined)
      terminal.stderr.write(`purser: ${clean(output, 200)} could not be written\n`)
    return end
  }
}

async function failureReport(error: unknown, calling: Calling): Promise<Report> {
  const { context, stop } = calling
  if (error instanceof Interrupted) return stoppedReport()
  if (!isPaymentError(error)) {
    // An invalid option has no cause; a failure of the network has one.
    if (error instanceof TypeError && error.cause === undefined) throw misuse(error.message)
    return networkReport(error, context)
  }
  if (error.cause instanceof Interrupted && error.funds === 'untouched') return stoppedReport()
  const settled = stop.aborted ? await outcomeAfterStop(error.paymentId, context) : undefined
  if (settled === undefined) return errorReport(error, context)
  if (settled.state === 'released' || settled.state === 'denied') return stoppedReport()
  return paidReport(settled, 0, { broken: true }, context)
}

function stoppedReport(): Report {
  const message = 'stopped by Ctrl-C'
  return {
    json: { outcome: 'failed', funds: 'untouched', error: { code: 'stopped', message }, reasons: [] },
    text: `purser: ${message}.\nNothing was paid.`,
    code: EXIT.failed,
    quiet: false,
  }
}

/** How long a stopped call waits for the end of its payment, in milliseconds. */
const AFTERMATH_MS = 5_000

/** Waits for the end of a payment that was sent before Ctrl-C. */
async function outcomeAfterStop(
  id: string | undefined,
  { opened: { purser } }: ReportContext,
): Promise<Payment | undefined> {
  if (id === undefined) return undefined
  const until = Date.now() + AFTERMATH_MS
  for (;;) {
    for await (const payment of purser.payments({ id }))
      if (payment.state !== 'committed' && payment.state !== 'held') return payment
    if (Date.now() >= until) return undefined
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

function tellReport(
  report: Report,
  { options, terminal: { stderr } }: Pick<Calling, 'options' | 'terminal'>,
): ExitCode {
  const { json, text, code, quiet } = report
  const aboutMoney = code !== EXIT.network
  const hidden = options.silent === true && (quiet || (!aboutMoney && options.showError !== true))
  if (!hidden) stderr.write(`${options.json === true ? JSON.stringify(json) : text}\n`)
  return code
}

function requestHead(url: URL, { method, headers }: ReadRequest['init']): string {
  const lines = [...headers].map(
    ([name, value]) => `> ${name}: ${SECRET.test(name) ? '…' : clean(value, 500)}`,
  )
  return [`> ${method} ${url.pathname}${url.search}`, `> host: ${url.host}`, ...lines, '', ''].join('\n')
}

/** The headers whose values are never shown. */
const SECRET = /auth|cookie|token|key|secret|payment/i

function responseHead({ status, statusText, headers }: Response, prefix: string): string {
  const lines = [...headers].map(([name, value]) => `${prefix}${name}: ${value}`)
  return [`${prefix}HTTP ${status}${statusText === '' ? '' : ` ${statusText}`}`, ...lines, '', ''].join('\n')
}
