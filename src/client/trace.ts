import { formatAmount } from '../money/index.js'
import type { Call, Outcome } from '../pay/index.js'
import type { Resource } from '../protocol/index.js'

/** The used part of an OpenTelemetry `Tracer`. Any tracer of `@opentelemetry/api` fits. */
export interface TracerLike {
  startSpan(name: string, options?: { attributes?: Record<string, string | number | boolean> }): SpanLike
}

/** The used part of an OpenTelemetry `Span`. */
export interface SpanLike {
  spanContext(): { readonly traceId: string; readonly spanId: string; readonly traceFlags: number }
  setAttribute(name: string, value: string | number | boolean): unknown
  setStatus(status: { code: number; message?: string }): unknown
  end(): void
}

/** `SpanStatusCode.ERROR` of OpenTelemetry. */
const ERROR = 2

/** One span per payment, from the 402 to the answer. A failing tracer does not fail the payment. */
export class PaymentSpan {
  readonly #span: SpanLike | undefined
  /** The W3C `traceparent` of the span, which is stored with the payment. */
  readonly trace: string | undefined

  constructor(tracer: TracerLike, attributes: Record<string, string>) {
    this.#span = safely(() => tracer.startSpan('purser.payment', { attributes }))
    this.trace = safely(() => traceparent(this.#span))
  }

  end(outcome: Outcome | undefined, failed: string | undefined): void {
    const span = this.#span
    if (span === undefined) return
    for (const [name, value] of Object.entries(attributesOf(outcome)))
      safely(() => span.setAttribute(name, value))
    if (failed !== undefined) safely(() => span.setStatus({ code: ERROR, message: failed }))
    safely(() => span.end())
  }
}

/** Starts the span of one call's payment. */
export function paymentSpan(
  tracer: TracerLike,
  { vendor, operation }: Resource,
  { context, key }: Call,
): PaymentSpan {
  return new PaymentSpan(tracer, {
    'purser.agent': context.agent,
    'purser.vendor': vendor,
    'purser.operation': operation,
    ...(context.tasks.length === 0 ? {} : { 'purser.task': context.tasks.join('/') }),
    ...(key === undefined ? {} : { 'purser.keyed': 'true' }),
  })
}

function traceparent(span: SpanLike | undefined): string | undefined {
  if (span === undefined) return undefined
  const context = safely(() => span.spanContext())
  if (context === undefined) return undefined
  const { traceId, spanId, traceFlags } = context
  const text = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  return TRACEPARENT.test(text) ? text : undefined
}

/** W3C Trace Context, section 3.2.2. */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

function attributesOf(outcome: Outcome | undefined): Record<string, string | boolean> {
  if (outcome === undefined) return {}
  if (outcome.state === 'not_paid') return { 'purser.state': 'not_paid' }
  if (outcome.state === 'refused') return { 'purser.state': 'refused', 'purser.code': outcome.code }
  const { id, state, terms, delivered } = outcome
  return {
    'purser.payment': id,
    'purser.state': state,
    'purser.kind': terms.kind,
    'purser.network': terms.network,
    'purser.amount': formatAmount(terms.most),
    'purser.delivered': delivered,
  }
}

function safely<T>(work: () => T): T | undefined {
  try {
    const result = work()
    // Purser does not wait for a slow tracer, and its failure must not end the process.
    Promise.resolve(result).catch(() => undefined)
    return result
  } catch {
    // The fault of an observer is never a fault of the payment.
    return undefined
  }
}
