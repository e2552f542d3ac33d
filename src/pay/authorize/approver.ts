import { clean, type Reason } from '../../errors/index.js'
import type { ApprovalProof, BudgetAfter, Remember } from '../../ledger/index.js'
import type { Amount, Instant } from '../../money/index.js'
import type { Terms } from '../../policy/index.js'
import type { Resource } from '../../protocol/index.js'
import { own } from '../../util/objects.js'

/** The question that a person is asked. It is frozen, and nothing in it can pay. */
export interface ApprovalRequest {
  /** The id of the question in the ledger. */
  readonly id: string
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
  /** What the budgets have left if the payment is made. Absent if the ledger did not know it. */
  readonly budgets?: readonly BudgetAfter[]
  /** The hash of the terms, the agent, the vendor and the operation. A signed answer names it. */
  readonly termsHash: string
}

/**
 * The decision of a person, and who it was. Only an answer of exactly this shape counts. A `note` is for the record. A
 * `proof` is needed if the policy names keys in `approval.by`.
 */
export type ApprovalAnswer =
  | {
      readonly approved: true
      readonly by: string
      readonly note?: string
      readonly remember?: Remember
      readonly proof?: ApprovalProof
    }
  | {
      readonly approved: false
      readonly by: string
      readonly note?: string
      readonly proof?: ApprovalProof
    }

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

/** An object whose properties are not checked yet. */
type Loose<Name extends string> = { readonly [N in Name]?: unknown }

/** The longest note and name that the ledger stores. */
const MOST_NOTE = 1_000
const MOST_NAME = 200

/** Reads an answer. Undefined if it is not valid. */
export function readAnswer(value: unknown): ApprovalAnswer | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  // Only own properties count: an inherited `approved` approves nothing.
  const given: Loose<'approved' | 'by' | 'note' | 'remember' | 'proof'> = own(value)
  const { approved, note } = given
  if (typeof given.by !== 'string' || given.by === '') return undefined
  const proof = given.proof === undefined ? undefined : readProof(given.proof)
  if (given.proof !== undefined && proof === undefined) return undefined
  const common = {
    by: clean(given.by, MOST_NAME),
    ...(typeof note === 'string' ? { note: clean(note, MOST_NOTE) } : {}),
    ...(proof === undefined ? {} : { proof }),
  }
  if (approved === false) return own({ approved, ...common })
  if (approved !== true) return undefined
  if (given.remember === undefined) return own({ approved, ...common })
  const remember = readRemember(given.remember)
  return remember === undefined ? undefined : own({ approved, ...common, remember })
}

function readProof(value: unknown): ApprovalProof | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const given: Loose<'publicKey' | 'at' | 'nonce' | 'signature' | 'passkey'> = own(value)
  const { publicKey, at, nonce, signature } = given
  if (typeof at !== 'number' || !Number.isSafeInteger(at)) return undefined
  if (!isBounded(publicKey) || !isBounded(nonce) || !isBounded(signature)) return undefined
  if (given.passkey === undefined) return own({ publicKey, at, nonce, signature })
  const passkey = readPasskey(given.passkey)
  return passkey === undefined ? undefined : own({ publicKey, at, nonce, signature, passkey })
}

function readPasskey(value: unknown): ApprovalProof['passkey'] {
  if (typeof value !== 'object' || value === null) return undefined
  const given: Loose<'credential' | 'clientDataJSON' | 'authenticatorData'> = own(value)
  const { credential, clientDataJSON, authenticatorData } = given
  if (!isBounded(credential) || !isBounded(clientDataJSON) || !isBounded(authenticatorData)) return undefined
  return own({ credential, clientDataJSON, authenticatorData })
}

/** The longest text of a proof. */
const MOST_PROOF_TEXT = 4_096

function isBounded(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MOST_PROOF_TEXT
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
