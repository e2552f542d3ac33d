import type { Instant } from '../../money/index.js'
import { type ApprovalSettings, type CounterClaim, counterKey, type Terms } from '../../policy/index.js'

/** What a person would be asked about. */
export interface ApprovalQuestion {
  readonly agent: string
  readonly vendor: string
  /** The request of one agent on one piece of work: the same request again has the same one. */
  readonly fingerprint: string
  readonly terms: Terms
  /** What the payment would count on budgets. */
  readonly claims: readonly CounterClaim[]
}

/** How a question ended: a person answered it, nobody did, or whoever asked gave up. */
export type Ending = 'answered' | 'nobody' | 'late' | 'failed' | 'nonsense' | 'given up'

/** A question that a person has in front of them. */
export interface OpenApproval extends ApprovalQuestion {
  readonly expires: Instant
  /** Does it hold its claims while it waits? */
  readonly reserves: boolean
  /** Resolves once it has ended. */
  readonly ended: Promise<Ending>
}

/** What is to be done with a question: ask it, wait for the one that is open already, or refuse the payment. */
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
 * May this be asked? Pure.
 *
 * The same request is asked about once at a time. Beyond the limits nothing is asked: a person who must answer a hundred
 * questions reads none of them.
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

/** Do open questions, with this one, hold no more than that many percent of every limit that this one counts on? */
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

/** The questions that wait for a person in this process. */
export class ApprovalQueue {
  readonly #open = new Set<OpenApproval>()

  /** Decides about a question; one that may be asked is open until it is ended. */
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
