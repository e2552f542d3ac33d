import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import canonicalize from 'canonicalize'
import type { Approval } from '../../ledger/index.js'
import type { Amount, Instant } from '../../money/index.js'
import type { Terms } from '../../policy/index.js'

/** What a signed answer says about a question. */
export interface SignedDecision {
  readonly decision: 'approve' | 'deny'
  /** The time of the decision, in milliseconds. */
  readonly at: Instant
  /** A random text that no other answer has: 16 to 128 characters of base64url. */
  readonly nonce: string
}

/** The first line of a message. It tells the signature from any other one. */
const VERSION = 'purser approval 1'

const NONCE = /^[\w-]{16,128}$/
const ID = /^[\w.:-]{1,200}$/
const HASH = /^[0-9a-f]{64}$/

/**
 * Makes the message that a person's key signs to answer a question, as UTF-8 bytes. It has seven lines: a version, the
 * ids of the question and of its payment, the hash of the terms, the decision, the time, and the nonce. For a passkey, the
 * challenge is the SHA-256 hash of the message.
 *
 * @param question - The question. Compare its `termsHash` with {@link approvalTermsHash} of the terms that the person saw.
 * @throws TypeError if a value is not valid.
 * @example
 * ```ts
 * declare const question: Approval
 * declare const sign: (message: Uint8Array) => Promise<string> // in base64url
 * declare const publicKey: string
 * const at = Date.now()
 * const nonce = crypto.randomUUID()
 * const signature = await sign(approvalMessage(question, { decision: 'approve', at, nonce }))
 * const proof = { publicKey, at, nonce, signature }
 * await purser.approvals.answer(question.id, { approved: true, by: 'ann', proof })
 * ```
 */
export function approvalMessage(
  { id, payment, termsHash }: Pick<Approval, 'id' | 'payment' | 'termsHash'>,
  { decision, at, nonce }: SignedDecision,
): Uint8Array<ArrayBuffer> {
  // Each value has its own line, so no value may have a line break.
  const isValid =
    ID.test(id) &&
    ID.test(payment) &&
    HASH.test(termsHash) &&
    (decision === 'approve' || decision === 'deny') &&
    Number.isSafeInteger(at) &&
    at >= 0 &&
    NONCE.test(nonce)
  if (!isValid)
    throw new TypeError('approvalMessage() needs a question, a decision, a time in ms and a nonce')
  const lines = [VERSION, id, payment, termsHash, decision, `${at}`, nonce]
  return Uint8Array.from(utf8ToBytes(lines.join('\n')))
}

/**
 * Returns the hash of what a person approves: the terms, the agent, the vendor and the operation. It is the SHA-256 hash
 * of their canonical JSON (RFC 8785), in hexadecimal. The usual fee is not part of it, because it binds nobody.
 *
 * @throws TypeError if the terms have no canonical form.
 */
export function approvalTermsHash({
  terms,
  agent,
  resource: { vendor, operation },
}: {
  readonly terms: Terms
  readonly agent: string
  readonly resource: Pick<Approval['resource'], 'vendor' | 'operation'>
}): string {
  const { purpose, kind, network, exact, escrow, fee, locks } = terms
  const text = canonicalize({
    agent,
    vendor,
    operation,
    terms: {
      purpose,
      kind,
      network,
      most: plain(terms.most),
      exact,
      payees: terms.payees.map(({ id, amount }) => ({ id, amount: plain(amount) })),
      ...(fee === undefined ? {} : { fee: plain(fee.bound) }),
      ...(locks === undefined ? {} : { locks: plain(locks) }),
      ...(escrow === undefined ? {} : { escrow }),
    },
  })
  if (text === undefined) throw new TypeError('These terms have no canonical form')
  return bytesToHex(sha256(utf8ToBytes(text)))
}

function plain({ value, currency: { id, decimals } }: Amount): {
  readonly value: string
  readonly currency: string
  readonly decimals: number
} {
  return { value: value.toString(), currency: id, decimals }
}
