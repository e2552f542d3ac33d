import type { Approval, ApprovalProof, GivenAnswer } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import type { ApproverKey } from '../../policy/index.js'
import { decodeBase64url } from '../../protocol/index.js'
import { approvalMessage, approvalTermsHash } from './approval-message.js'

/** Why a signed answer does not count. */
export type ProofFault =
  | 'unsigned'
  | 'unknown_key'
  | 'wrong_signature'
  | 'wrong_time'
  | 'remembered'
  | 'replayed'
  | 'unsupported'

/** Each fault as a sentence that says how to fix it. */
export const PROOF_FAULTS: Readonly<Record<ProofFault, string>> = {
  unsigned: 'The policy names keys in `approval.by`, and the answer has no signature.',
  unknown_key: 'The answer is signed by a key that `approval.by` of the policy does not name.',
  wrong_signature:
    'The signature does not match: it is for another question, other terms or another decision, or of another key.',
  wrong_time:
    'The signed time is not within the time of the question. Sign again, with a clock that is right.',
  remembered: 'A signature covers one payment, so a signed answer cannot be remembered.',
  replayed: 'The nonce of the answer was used before. Sign again, with a new nonce.',
  unsupported:
    'This runtime cannot check this kind of key: Ed25519 needs Node 20 or a current browser, and a passkey needs the option `passkeys`.',
}

/** Checks the answer of a passkey. */
export type PasskeyVerifier = (
  passkey: NonNullable<ApprovalProof['passkey']> & { readonly signature: string },
  key: ApproverKey,
  message: Uint8Array<ArrayBuffer>,
) => Promise<boolean>

/** What an answer is checked against. */
export interface ProofContext {
  /** The keys that the policy names now. */
  readonly keys: readonly ApproverKey[]
  /** How long a question waits, by the policy and not by the ledger. */
  readonly timeoutMs: number
  readonly now: Instant
  readonly passkeys?: PasskeyVerifier | undefined
}

/** How far the clocks of the person and of this process may differ, in milliseconds. */
const CLOCKS_DIFFER_MS = 60_000

/**
 * Checks the signature of an answer to this very question. Its terms are hashed again, so the stored hash proves nothing.
 *
 * @returns Why the answer does not count. Undefined if it counts.
 */
export async function proofFault(
  question: Approval,
  { approved, proof, remember }: GivenAnswer,
  { keys, timeoutMs, now, passkeys }: ProofContext,
): Promise<ProofFault | undefined> {
  if (proof === undefined) return 'unsigned'
  if (remember !== undefined) return 'remembered'
  const key = keys.find(({ publicKey }) => publicKey === proof.publicKey)
  if (key === undefined) return 'unknown_key'
  const { at, nonce } = proof
  const earliest = Math.max(question.askedAt, now - timeoutMs) - CLOCKS_DIFFER_MS
  if (at < earliest || at > now + CLOCKS_DIFFER_MS || at > question.expires) return 'wrong_time'
  let message: Uint8Array<ArrayBuffer>
  try {
    const termsHash = approvalTermsHash(question)
    message = approvalMessage(
      { ...question, termsHash },
      { decision: approved ? 'approve' : 'deny', at, nonce },
    )
  } catch {
    return 'wrong_signature'
  }
  return verify(key, proof, message, passkeys)
}

async function verify(
  key: ApproverKey,
  { signature, passkey }: ApprovalProof,
  message: Uint8Array<ArrayBuffer>,
  passkeys: PasskeyVerifier | undefined,
): Promise<ProofFault | undefined> {
  if (key.type === 'passkey') {
    if (passkeys === undefined) return 'unsupported'
    if (passkey === undefined) return 'wrong_signature'
    return (await passkeys({ ...passkey, signature }, key, message)) ? undefined : 'wrong_signature'
  }
  const [bytes, given] = [decodeBase64url(key.publicKey), decodeBase64url(signature)]
  if (bytes === undefined || given === undefined) return 'wrong_signature'
  const [algorithm, signing] = ALGORITHMS[key.type]
  const imported = await crypto.subtle
    .importKey('raw', Uint8Array.from(bytes), algorithm, false, ['verify'])
    .catch(() => undefined)
  // The policy has checked the length of the key, so it is the runtime that does not know the algorithm.
  if (imported === undefined) return 'unsupported'
  const isValid = await crypto.subtle.verify(signing, imported, Uint8Array.from(given), message)
  return isValid ? undefined : 'wrong_signature'
}

/** The algorithm of a key, and the algorithm of its signatures. */
const ALGORITHMS = {
  ed25519: [{ name: 'Ed25519' }, { name: 'Ed25519' }],
  p256: [
    { name: 'ECDSA', namedCurve: 'P-256' },
    { name: 'ECDSA', hash: 'SHA-256' },
  ],
} as const
