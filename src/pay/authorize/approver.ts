import type { Reason } from '../../errors/index.js'
import type { Amount, Instant } from '../../money/index.js'
import type { Terms } from '../../policy/index.js'
import type { Resource } from '../../protocol/index.js'
import { ONCE, own } from '../../util/objects.js'

/** What a person is asked. Frozen; nothing in it can pay. */
export interface ApprovalRequest {
  readonly payment: string
  readonly agent: string
  readonly tasks: readonly string[]
  readonly tool?: string
  readonly resource: Resource
  readonly terms: Terms
  /** Why policy asks. */
  readonly reasons: readonly Reason[]
  /** Unanswered by then: denied. */
  readonly expires: Instant
  /** The vendor's description. The server's words: shown as such, never believed. */
  readonly serverSays?: string
}

/** Approves further payments like this one, within these bounds, without asking again. It never overrides a `deny`. */
export interface Remember {
  readonly until: Instant
  /** The most that one payment may cost: its price, and what its fee may come to. */
  readonly upTo: Amount
  /** The most that all of them may cost together, fees included. */
  readonly total: Amount
}

/** What a person decided, and who it was. Only an answer of exactly this shape counts; a `note` is kept for the record. */
export type ApprovalAnswer =
  | { readonly approved: true; readonly by: string; readonly note?: string; readonly remember?: Remember }
  | { readonly approved: false; readonly by: string; readonly note?: string }

/**
 * Asks a person. Throwing, hanging past `expires` or answering nonsense is a no.
 *
 * @example
 * ```ts
 * const approver: Approver = async ({ terms, resource }) => ({
 *   approved: await confirm(`Pay ${formatAmount(terms.most)} to ${resource.vendor}?`),
 *   by: 'ann',
 * })
 * ```
 */
export type Approver = (request: ApprovalRequest, signal: AbortSignal) => Promise<ApprovalAnswer>

/** What came of asking: an answer that was read, or why there is none. */
export type Asked =
  | { readonly answer: ApprovalAnswer }
  | {
      readonly answer?: never
      readonly reason: 'nobody' | 'late' | 'failed' | 'nonsense'
      /** What the approver threw. */
      readonly thrown?: { readonly error: unknown }
    }

/** An object of which nothing is known yet. */
type Loose<Name extends string> = { readonly [N in Name]?: unknown }

/** Only a well-formed answer counts; everything else is no answer. */
export function readAnswer(value: unknown): ApprovalAnswer | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  // By its own properties: an answer that only inherits a yes is none.
  const { approved, by, note, remember }: Loose<'approved' | 'by' | 'note' | 'remember'> = own(value)
  if (typeof by !== 'string' || by === '') return undefined
  const words = typeof note === 'string' ? { note } : {}
  if (approved === false) return own({ approved, by, ...words })
  if (approved !== true) return undefined
  if (remember === undefined) return own({ approved, by, ...words })
  const read = readRemember(remember)
  return read === undefined ? undefined : own({ approved, by, ...words, remember: read })
}

function readRemember(value: unknown): Remember | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { until, upTo, total }: Loose<'until' | 'upTo' | 'total'> = own(value)
  if (typeof until !== 'number' || !Number.isFinite(until)) return undefined
  return isAmount(upTo) && isAmount(total) ? { until, upTo, total } : undefined
}

function isAmount(value: unknown): value is Amount {
  if (typeof value !== 'object' || value === null) return false
  const { value: parts, currency }: Loose<'value' | 'currency'> = own(value)
  return typeof parts === 'bigint' && parts >= 0n && typeof currency === 'object' && currency !== null
}

/** Asks, and never waits past the request's end or the caller's patience. */
export async function ask(
  approver: Approver | undefined,
  request: ApprovalRequest,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Asked> {
  if (approver === undefined) return own({ reason: 'nobody' })
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), timeoutMs)
  const either = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal])
  try {
    // A signal that is aborted already tells nobody again.
    either.throwIfAborted()
    const given = new Promise<never>((_, reject) => {
      either.addEventListener('abort', () => reject(either.reason), ONCE)
    })
    // Called inside a function, so that an approver that throws at once is no different from one that rejects.
    const answer = readAnswer(await Promise.race([(async () => approver(request, either))(), given]))
    return own(answer === undefined ? { reason: 'nonsense' } : { answer })
  } catch (error) {
    // Whatever an approver throws means that nobody said yes; the caller's own abort is reported by the story.
    return own(
      either.aborted
        ? { reason: late.signal.aborted ? 'late' : 'failed' }
        : { reason: 'failed', thrown: { error } },
    )
  } finally {
    clearTimeout(timer)
    late.abort()
  }
}
