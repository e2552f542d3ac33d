import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import canonicalize from 'canonicalize'
import type { Amount } from '../../money/index.js'
import type { Terms } from '../../policy/index.js'

/**
 * Returns the hash of what a person approves: the terms, the agent, the vendor and the operation. It is the SHA-256 hash
 * of their canonical JSON (RFC 8785), in hexadecimal. The usual fee is not part of it, because it binds nobody.
 */
export function approvalTermsHash(
  terms: Terms,
  {
    context: { agent },
    resource: { vendor, operation },
  }: {
    readonly context: { readonly agent: string }
    readonly resource: { readonly vendor: string; readonly operation: string }
  },
): string {
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
