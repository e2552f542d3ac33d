import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Approval, ApprovalProof } from '../../src/ledger/index.js'
import { approvalMessage } from '../../src/pay/index.js'
import { passkeyVerifier } from '../../src/pay/passkeys/index.js'
import type { PolicyDocument } from '../../src/policy/index.js'
import { encodeBase64url } from '../../src/protocol/index.js'
import { type FakeWorld, fakeWorld, type WorldOptions } from './world.js'

// Answers by a passkey, from an authenticator in software.

const PAGE = 'http://localhost:8402'
const CREDENTIAL = encodeBase64url(new TextEncoder().encode('the credential of ann'))
const sha = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

let pair: CryptoKeyPair
let publicKey: string
beforeAll(async () => {
  const made = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])
  pair = made
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))
  // COSE: EC2, ES256, P-256, x, y.
  const head = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]
  const cose = [...head, ...raw.slice(1, 33), 0x22, 0x58, 0x20, ...raw.slice(33)]
  publicKey = encodeBase64url(Uint8Array.from(cose))
})

/** The DER form of an ECDSA signature, which authenticators make. */
function der(signature: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array): number[] => {
    const start = bytes.findIndex((byte) => byte !== 0)
    const least = [...bytes.slice(start)]
    const padded = (least[0] ?? 0) > 127 ? [0, ...least] : least
    return [0x02, padded.length, ...padded]
  }
  const both = [...integer(signature.slice(0, 32)), ...integer(signature.slice(32))]
  return Uint8Array.from([0x30, both.length, ...both])
}

interface Signing {
  readonly origin?: string
  readonly rpId?: string
  /** 1: the user was there. 4: the user was verified. */
  readonly flags?: number
  readonly counter?: number
  readonly credential?: string
  readonly question?: Partial<Approval>
}

let nonces = 0

async function proofOf(question: Approval, signing: Signing = {}): Promise<ApprovalProof> {
  const { origin = PAGE, rpId = 'localhost', flags = 5, counter = 1, credential = CREDENTIAL } = signing
  const signed = { decision: 'approve', at: question.askedAt, nonce: `nonce-of-passkey-${++nonces}` } as const
  const message = approvalMessage({ ...question, ...signing.question }, signed)
  const client = {
    type: 'webauthn.get',
    challenge: encodeBase64url(sha(message)),
    origin,
    crossOrigin: false,
  }
  const clientData = utf8(JSON.stringify(client))
  const count = [counter >>> 24, counter >>> 16, counter >>> 8, counter].map((byte) => byte & 255)
  const data = Uint8Array.from([...sha(utf8(rpId)), flags, ...count])
  const signature = await crypto.subtle.sign(
    { name: 'ECDSA', hash: 'SHA-256' },
    pair.privateKey,
    Uint8Array.from([...data, ...sha(clientData)]),
  )
  return {
    publicKey,
    at: signed.at,
    nonce: signed.nonce,
    signature: encodeBase64url(der(new Uint8Array(signature))),
    passkey: {
      credential,
      clientDataJSON: encodeBase64url(clientData),
      authenticatorData: encodeBase64url(data),
    },
  }
}

function worldOf(more: WorldOptions = { passkeys: passkeyVerifier() }): FakeWorld {
  const by = [
    { name: 'ann', type: 'passkey', publicKey, credential: CREDENTIAL, rpId: 'localhost', origins: [PAGE] },
  ] as const
  const policy: PolicyDocument = { ask: [{ above: '0.01' }], approval: { by } }
  return fakeWorld({ policy, ...more })
}

/** Answers the next question of a world, and returns how its call ended. */
async function answered(
  world: FakeWorld,
  sign: (question: Approval) => Promise<ApprovalProof>,
): Promise<unknown> {
  const call = world.pay().then(
    () => 'paid',
    (error: unknown) => String(Object(Object(error).reasons?.at(-1)).message),
  )
  for (;;) {
    const [question] = await world.env.ledger.approvals({ states: ['waiting'] })
    if (question !== undefined) {
      await world.env.ledger.answer(question.id, { approved: true, by: 'ann', proof: await sign(question) })
      return call
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('an answer by a passkey', () => {
  it('counts, and the next one too if its counter rises', async () => {
    const world = worldOf()
    expect(await answered(world, (question) => proofOf(question, { counter: 7 }))).toBe('paid')
    expect(await answered(world, (question) => proofOf(question, { counter: 8 }))).toBe('paid')
    expect(await answered(world, (question) => proofOf(question, { counter: 8 }))).toMatch(/does not match/)
    expect(world.rail.settled.size).toBe(2)
  })

  it('counts if its authenticator has no counter', async () => {
    const world = worldOf()
    for (let n = 0; n < 2; n++)
      expect(await answered(world, (question) => proofOf(question, { counter: 0 }))).toBe('paid')
  })

  it.each<[string, Signing]>([
    ['another page', { origin: 'http://localhost:9999' }],
    ['another host name', { rpId: 'evil.example' }],
    ['another credential', { credential: 'abcd' }],
    ['a user who was not verified', { flags: 1 }],
    ['another question', { question: { id: 'another' } }],
    ['other terms', { question: { termsHash: '0'.repeat(64) } }],
  ])('does not count for %s', async (_name, signing) => {
    const world = worldOf()
    expect(await answered(world, (question) => proofOf(question, signing))).toMatch(/does not match/)
    expect(world.wallet.signed).toEqual([])
  })

  it('does not count without what the authenticator signed, or without a verifier', async () => {
    const bare = async (question: Approval): Promise<ApprovalProof> => {
      const { passkey: _, ...proof } = await proofOf(question)
      return proof
    }
    expect(await answered(worldOf(), bare)).toMatch(/does not match/)
    expect(await answered(worldOf({}), proofOf)).toMatch(/needs the option `passkeys`/)
  })
})
