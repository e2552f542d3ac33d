import { type Names, ownOptions, type Reason } from '../errors/index.js'
import type { OfferKind, Resource } from '../protocol/index.js'
import type { Exchange } from './exchange.js'

/** What a caller may say about one call. All of it can only tighten what policy allows. */
export interface CallOptions {
  /** Charges this call to a task inside the one it is already bound to. */
  readonly task?: string
  /** The tool of the agent that makes this call: policy may budget by it. */
  readonly tool?: string
  /** The highest price this call may have, in the policy's unit: `'0.05'` or `'0.05 USD'`. Fees are bounded by `maxFee`. */
  readonly maxAmount?: string
  /** Names the purchase: the same key never pays twice. The `Idempotency-Key` header does the same. */
  readonly idempotencyKey?: string
}

const CALL_OPTIONS: Names<CallOptions> = { task: true, tool: true, maxAmount: true, idempotencyKey: true }

/**
 * What a caller says about one call, and nothing that objects inherit.
 *
 * @param more Names that a face of its own adds.
 * @throws TypeError for a name that is not known, because a cap that was mistyped would be no cap.
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

/** What a transport's face needs of a purser: may this be paid for, and the story of a payment to run it through. */
export interface PaymentHandler {
  /** Could policy ever pay for this? If not, the call goes through untouched. */
  payable(resource: Resource): boolean
  /** Does a wallet here pay offers of this kind? */
  readonly pays: (kind: OfferKind) => boolean
  /**
   * Notes why a 402 is handed on unpaid although no payment was tried.
   *
   * @param resource What was called. Undefined for an address that no credential may travel to.
   * @param reasons Why. Default: why policy could never pay for that call.
   */
  noteUnpaid(reply: object, resource: Resource | undefined, reasons?: readonly Reason[]): void
  /**
   * Makes the outcome of a reply or an error known for another object too: for clients that copy a reply before they hand
   * it on.
   */
  shareOutcome(from: object, to: object): void
  run<Reply extends object>(
    exchange: Exchange<Reply>,
    options: CallOptions & { readonly signal?: AbortSignal },
  ): Promise<Reply>
}
