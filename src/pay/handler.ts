import { type Names, ownOptions, type Reason } from '../errors/index.js'
import type { OfferKind, Resource } from '../protocol/index.js'
import type { Exchange } from './exchange.js'

/** Options of one call. Each can only narrow what policy allows. */
export interface CallOptions {
  /** Charges this call to a task within the one that it is bound to. */
  readonly task?: string
  /** The tool of the agent that makes this call. Policy may have a budget for it. */
  readonly tool?: string
  /**
   * The highest price that this call may have, in the policy's unit: `'0.05'` or `'0.05 USD'`. `maxFee` limits fees.
   */
  readonly maxAmount?: string
  /** The key of the purchase: the same key never pays twice. The `Idempotency-Key` header does the same. */
  readonly idempotencyKey?: string
}

const CALL_OPTIONS: Names<CallOptions> = { task: true, tool: true, maxAmount: true, idempotencyKey: true }

/**
 * Copies the options of a call without inherited properties.
 *
 * @param more The names of further options that a transport has.
 * @throws TypeError for an unknown name, because a mistyped limit would limit nothing.
 */
export function ownCallOptions<T extends CallOptions>(
  given: T,
  more: Names<Omit<T, keyof CallOptions>>,
  what = 'init.payment',
): T {
  const options = ownOptions(given, { ...CALL_OPTIONS, ...more }, what)
  for (const name of ['tool', 'idempotencyKey'] as const) {
    const value: unknown = options[name]
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw new TypeError(`${what}.${name} must be a text that is not empty`)
  }
  return options
}

/** A purser as a transport uses it: whether a call can be paid for, and the payment flow that runs it. */
export interface PaymentHandler {
  /** Whether policy could ever pay for a resource. If not, the call is sent unchanged. */
  payable(resource: Resource): boolean
  /** Whether a wallet here pays offers of this kind. */
  readonly pays: (kind: OfferKind) => boolean
  /**
   * Notes why the caller gets a 402 unpaid although no payment was tried.
   *
   * @param resource The resource that was called. Undefined for an address that no credential may be sent to.
   * @param reasons The reasons. Default: why policy could never pay for that call.
   */
  noteUnpaid(reply: object, resource: Resource | undefined, reasons?: readonly Reason[]): void
  /** Whether a call of this resource is paid with its first request, from a session that is open. */
  paysUpfront(resource: Resource): boolean
  /**
   * Makes the outcome of a reply or an error known for another object too: for clients that copy a reply before they
   * hand it on.
   */
  shareOutcome(from: object, to: object): void
  run<Reply extends object>(
    exchange: Exchange<Reply>,
    options: CallOptions & { readonly signal?: AbortSignal },
  ): Promise<Reply>
}
