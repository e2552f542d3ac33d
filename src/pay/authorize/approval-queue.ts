import type { Reason } from '../../errors/index.js'
import type { Amount, Instant } from '../../money/index.js'
import { type ApprovalSettings, type CounterClaim, counterKey, type Terms } from '../../policy/index.js'
import type { Resource } from '../../protocol/index.js'

/** The question that a person is asked. It is frozen, and nothing in it can pay. */
export interface ApprovalRequest {
  readonly payment: string
  readonly agent: string
  readonly tasks: readonly string[]
  readonly tool?: string
  readonly resource: Resource
  readonly terms: Terms
  /** Why policy asks. */
  readonly reasons: readonly Reason[]
  /** A question that is not answered by then is denied. */
  readonly expires: Instant
  /** The vendor's description, in the server's own words. It proves nothing. */
  readonly serverSays?: string
}

/** Approves further payments like this one, within these limits, without asking again. It never overrides a `deny`. */
export interface Remember {
  readonly until: Instant
  /** The most that one payment may cost: its price and the largest fee that it can have. */
  readonly upTo: Amount
  /** The most that all of them may cost together, fees included. */
  readonly total: Amount
}

/**
 * The decision of a person, and who it was. Only an answer of exactly this shape counts. A `note` is for the record.
 */
export type ApprovalAnswer =
  | { readonly approved: true; readonly by: string; readonly note?: string; readonly remember?: Remember }
  | { readonly approved: false; readonly by: string; readonly note?: string }

/**
 * Asks a person. An approver that throws, gives no answer until `expires`, or gives an invalid answer denies the payment.
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

/** A payment that a person would be asked about. */
export interface ApprovalQuestion {
  readonly agent: string
  readonly vendor: string
  /** The request of one agent for one task. The same request has the same fingerprint. */
  readonly fingerprint: string
  readonly terms: Terms
  /** The claims of the payment on budgets. */
  readonly claims: readonly CounterClaim[]
}

/** How a question ended: a person answered it, no person did, or the call gave up. */
export type Ending = 'answered' | 'nobody' | 'late' | 'failed' | 'nonsense' | 'given up'

/** A question that waits for a person. */
export interface OpenApproval extends ApprovalQuestion {
  readonly expires: Instant
  /** Whether its claims are held while it waits. */
  readonly reserves: boolean
  /** Resolves once it has ended. */
  readonly ended: Promise<Ending>
}

/** What to do with a question: ask it, wait for an equal one that is open already, or refuse the payment. */
export type Admission =
  | { readonly kind: 'ask'; readonly reserves: boolean }
  | { readonly kind: 'share'; readonly question: OpenApproval }
  | {
      readonly kind: 'full'
      readonly rule: 'perAgent' | 'perVendor'
      readonly limit: number
      /** When the first of the open questions expires. */
      readonly retryAt: Instant
    }

/**
 * Decides whether a question may be asked. A pure function.
 *
 * A person is asked about the same request once at a time. If a limit of open questions is reached, nothing is asked: a
 * person who must answer a hundred questions reads none of them.
 */
export function admissionFor(
  question: ApprovalQuestion,
  open: readonly OpenApproval[],
  limits: ApprovalSettings,
): Admission {
  const { agent, vendor, fingerprint } = question
  const same = open.find((other) => other.agent === agent && other.fingerprint === fingerprint)
  if (same !== undefined) return { kind: 'share', question: same }
  const full = (rule: 'perAgent' | 'perVendor', waiting: readonly OpenApproval[]): Admission | undefined => {
    const limit = limits[rule]
    if (waiting.length < limit) return undefined
    return { kind: 'full', rule, limit, retryAt: Math.min(...waiting.map(({ expires }) => expires)) }
  }
  const ofAgent = open.filter((other) => other.agent === agent)
  const ofVendor = open.filter((other) => other.vendor === vendor)
  return (
    full('perVendor', ofVendor) ??
    full('perAgent', ofAgent) ?? { kind: 'ask', reserves: mayReserve(question.claims, open, limits.holds) }
  )
}

/**
 * Whether the open questions and this one together hold at most so many percent of each limit that this one counts on.
 */
function mayReserve(
  claims: readonly CounterClaim[],
  open: readonly OpenApproval[],
  percent: number,
): boolean {
  const held = new Map<string, bigint>()
  for (const { reserves, claims: theirs } of open) {
    if (!reserves) continue
    for (const claim of theirs) {
      const key = counterKey(claim)
      held.set(key, (held.get(key) ?? 0n) + claim.amount)
    }
  }
  return claims.every((claim) => {
    const together = (held.get(counterKey(claim)) ?? 0n) + claim.amount
    return together * 100n <= claim.limit * BigInt(percent)
  })
}

/** Ends an open question. Only the first ending counts. */
export type EndQuestion = (ending: Ending) => void

/** The questions of this process that wait for a person. */
export class ApprovalQueue {
  readonly #open = new Set<OpenApproval>()

  /** Decides about a question. One that may be asked is open until `end` is called. */
  enter(
    question: ApprovalQuestion,
    limits: ApprovalSettings,
    now: Instant,
  ):
    | Exclude<Admission, { kind: 'ask' }>
    | { readonly kind: 'ask'; readonly reserves: boolean; readonly end: EndQuestion } {
    const seat = admissionFor(question, [...this.#open], limits)
    if (seat.kind !== 'ask') return seat
    let resolve: EndQuestion = () => undefined
    const ended = new Promise<Ending>((end) => {
      resolve = end
    })
    const { reserves } = seat
    const opened: OpenApproval = { ...question, expires: now + limits.timeoutMs, reserves, ended }
    this.#open.add(opened)
    const end: EndQuestion = (ending) => {
      this.#open.delete(opened)
      resolve(ending)
    }
    return { kind: 'ask', reserves, end }
  }
}
