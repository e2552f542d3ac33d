import { beforeAll, describe, expect, it } from 'vitest'
import type { Approval, ApprovalProof } from '../../src/ledger/index.js'
import { amount } from '../../src/money/index.js'
import { type Approver, approvalMessage, type SignedDecision } from '../../src/pay/index.js'
import { type ApproverDocument, type PolicyDocument, railOf } from '../../src/policy/index.js'
import { encodeBase64url } from '../../src/protocol/index.js'
import { type FakeWorld, fakeWorld, type WorldOptions } from './world.js'

// With `approval.by`, only an answer counts that a named key has signed. A process that can write the ledger cannot
// approve: the signature is checked when a yes is used.

interface Person {
  readonly entry: ApproverDocument
  sign(message: Uint8Array<ArrayBuffer>): Promise<string>
}

async function person(name: string, type: 'ed25519' | 'p256'): Promise<Person> {
  const algorithm = type === 'ed25519' ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256' }
  const signing = type === 'ed25519' ? algorithm : { name: 'ECDSA', hash: 'SHA-256' }
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  if (!('publicKey' in pair)) throw new Error('no pair of keys')
  const publicKey = encodeBase64url(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)))
  return {
    entry: { name, type, publicKey },
    sign: async (message) =>
      encodeBase64url(new Uint8Array(await crypto.subtle.sign(signing, pair.privateKey, message))),
  }
}

let ann: Person
let bob: Person
let eve: Person
beforeAll(async () => {
  ann = await person('ann', 'ed25519')
  bob = await person('bob', 'p256')
  eve = await person('eve', 'ed25519')
})

const policyOf = (...people: readonly Person[]): PolicyDocument => ({
  ask: [{ above: '0.01' }],
  approval: { by: people.map(({ entry }) => entry) },
})

let nonces = 0
const newNonce = (): string => `nonce-of-a-test-${++nonces}`

type Signed = Partial<SignedDecision> & { readonly question?: Partial<Approval> }

async function proofOf(
  { entry, sign }: Person,
  question: Approval,
  { question: other = {}, ...more }: Signed = {},
): Promise<ApprovalProof> {
  const signed = { decision: 'approve', at: question.askedAt + 1000, nonce: newNonce(), ...more } as const
  const message = approvalMessage({ ...question, ...other }, signed)
  const { at, nonce } = signed
  return { publicKey: entry.publicKey, at, nonce, signature: await sign(message) }
}

function worldOf(policy: PolicyDocument, more: WorldOptions = {}): FakeWorld {
  return fakeWorld({ policy, ...more })
}

async function questionOf({ env }: FakeWorld): Promise<Approval> {
  for (;;) {
    const [question] = await env.ledger.approvals({ states: ['waiting'] })
    if (question !== undefined) return question
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Writes a yes to the ledger, as any process could that can write it. */
async function write(world: FakeWorld, question: Approval, proof?: ApprovalProof): Promise<void> {
  const answer = { approved: true, by: 'ann', ...(proof === undefined ? {} : { proof }) }
  expect(await world.env.ledger.answer(question.id, answer)).toMatchObject({ ok: true })
}

describe('a signed answer', () => {
  it.each(['ed25519', 'p256'] as const)('of a key of the policy (%s) counts, and is stored', async (type) => {
    const signer = type === 'p256' ? bob : ann
    const world = worldOf(policyOf(ann, bob))
    const paid = world.pay()
    const question = await questionOf(world)
    const proof = await proofOf(signer, question)
    await write(world, question, proof)
    await paid
    expect(world.wallet.signed).toHaveLength(1)
    expect((await world.env.ledger.approval(question.id))?.answer).toMatchObject({ proof })
  })

  it('of an approver of this process counts', async () => {
    const approver: Approver = async (request, signal) => {
      expect(signal.aborted).toBe(false)
      const question = await world.env.ledger.approval(request.id)
      if (question === undefined) throw new Error('no question')
      return { approved: true, by: 'ann', proof: await proofOf(ann, question) }
    }
    const world = worldOf(policyOf(ann), { approver })
    await world.pay()
    expect(world.wallet.signed).toHaveLength(1)
  })
})

const FORGERIES: readonly {
  readonly it: string
  readonly says: RegExp
  readonly proof: (question: Approval) => Promise<ApprovalProof | undefined>
}[] = [
  { it: 'has no signature', says: /has no signature/, proof: async () => undefined },
  { it: 'is of an unknown key', says: /does not name/, proof: (question) => proofOf(eve, question) },
  {
    it: 'is of an unknown key, under the name of a known one',
    says: /does not match/,
    proof: async (question) => ({ ...(await proofOf(eve, question)), publicKey: ann.entry.publicKey }),
  },
  {
    it: 'is for another question',
    says: /does not match/,
    proof: (question) => proofOf(ann, question, { question: { id: 'another' } }),
  },
  {
    it: 'is for another payment',
    says: /does not match/,
    proof: (question) => proofOf(ann, question, { question: { payment: 'another' } }),
  },
  {
    it: 'is for other terms',
    says: /does not match/,
    proof: (question) => proofOf(ann, question, { question: { termsHash: '0'.repeat(64) } }),
  },
  {
    it: 'is a no',
    says: /does not match/,
    proof: (question) => proofOf(ann, question, { decision: 'deny' }),
  },
  {
    it: 'has another time than the signed one',
    says: /does not match/,
    proof: async (question) => ({ ...(await proofOf(ann, question)), at: question.askedAt }),
  },
  {
    it: 'has another nonce than the signed one',
    says: /does not match/,
    proof: async (question) => ({ ...(await proofOf(ann, question)), nonce: newNonce() }),
  },
  {
    it: 'has a nonce of another shape',
    says: /does not match/,
    proof: async (question) => ({ ...(await proofOf(ann, question)), nonce: 'short' }),
  },
  {
    it: 'was signed before the question',
    says: /signed time/,
    proof: (question) => proofOf(ann, question, { at: question.askedAt - 61_000 }),
  },
  {
    it: 'was signed in the future',
    says: /signed time/,
    proof: (question) => proofOf(ann, question, { at: question.askedAt + 120_000 }),
  },
  {
    it: 'is no base64url',
    says: /does not match/,
    proof: async (question) => ({ ...(await proofOf(ann, question)), signature: '§' }),
  },
]

describe('a yes in the ledger that', () => {
  it.each(FORGERIES)('$it pays nothing', async ({ proof, says }) => {
    const world = worldOf(policyOf(ann))
    const anomalies = world.heard('anomaly')
    const failed = world.fails()
    const question = await questionOf(world)
    await write(world, question, await proof(question))
    const error = await failed
    expect(error).toMatchObject({ code: 'refused', funds: 'untouched' })
    expect(error.reasons.at(-1)?.message).toMatch(says)
    expect(world.wallet.signed).toEqual([])
    expect(await world.counted()).toBe(0)
    expect(anomalies).toMatchObject([{ kind: 'approval_not_valid' }])
  })

  it('is of a key that the policy has dropped meanwhile pays nothing', async () => {
    const world = worldOf(policyOf(ann))
    const stop = new AbortController()
    const left = world.pay({ signal: stop.signal }).catch(() => 'left')
    const question = await questionOf(world)
    stop.abort()
    await left
    await write(world, question, await proofOf(ann, question))
    const restarted = world.neighbour({ policy: policyOf(bob) })
    expect((await restarted.fails()).reasons.at(-1)?.message).toMatch(/does not name/)
    expect(restarted.wallet.signed).toEqual([])
  })

  it('is found again after a restart pays once', async () => {
    const world = worldOf(policyOf(ann))
    const stop = new AbortController()
    const left = world.pay({ signal: stop.signal }).catch(() => 'left')
    const question = await questionOf(world)
    stop.abort()
    await left
    await write(world, question, await proofOf(ann, question))
    const restarted = world.neighbour()
    await restarted.pay()
    expect(world.rail.settled.size).toBe(1)
  })

  it.each(['in the same process', 'in another process, after the question expired'])(
    'was used is not used again, %s, even if the ledger forgets that',
    async (where) => {
      let forget: Approval | undefined
      const world = worldOf(policyOf(ann), {
        ledger: (ledger) =>
          new Proxy(ledger, {
            get(target, name) {
              // Somebody who can write the ledger brings a used yes back.
              if (name === 'ask' && forget !== undefined)
                return async () => ({ kind: 'approved', approval: forget })
              const value: unknown = Reflect.get(target, name)
              return typeof value === 'function' ? value.bind(target) : value
            },
          }),
      })
      const paid = world.pay()
      const question = await questionOf(world)
      await write(world, question, await proofOf(ann, question))
      await paid
      forget = await world.env.ledger.approval(question.id)
      const later = where === 'in the same process' ? world : world.neighbour()
      if (later !== world) world.clock.pass(7 * 60_000)
      expect((await later.fails()).reasons.at(-1)?.message).toMatch(/nonce|signed time/)
      expect(world.rail.settled.size).toBe(1)
    },
  )

  it('has terms that were changed after the signature pays nothing', async () => {
    const world = worldOf(policyOf(ann), {
      ledger: (ledger) =>
        new Proxy(ledger, {
          get(target, name) {
            if (name === 'untilApproval')
              return async (...args: Parameters<typeof ledger.untilApproval>) => {
                const approval = await target.untilApproval(...args)
                if (approval === undefined) return undefined
                const most = amount(900_000n, approval.terms.most.currency)
                return { ...approval, terms: { ...approval.terms, most } }
              }
            const value: unknown = Reflect.get(target, name)
            return typeof value === 'function' ? value.bind(target) : value
          },
        }),
    })
    const failed = world.fails()
    const question = await questionOf(world)
    await write(world, question, await proofOf(ann, question))
    expect((await failed).reasons.at(-1)?.rule).toBe('approval')
    expect(world.wallet.signed).toEqual([])
  })
})

describe('with keys in the policy', () => {
  it('an approver without a signature does not count, and the question stays open', async () => {
    const world = worldOf(policyOf(ann), { approver: async () => ({ approved: true, by: 'ann' }) })
    const errors = world.heard('error')
    const paid = world.pay()
    const question = await questionOf(world)
    while (errors.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(world.wallet.signed).toEqual([])
    await write(world, question, await proofOf(ann, question))
    await paid
    expect(world.wallet.signed).toHaveLength(1)
  })

  it('a remembered approval does not count, and a signed answer cannot be remembered', async () => {
    const world = worldOf(policyOf(ann), { approvals: 'ledger' })
    const stop = new AbortController()
    const left = world.pay({ signal: stop.signal }).catch(() => 'left')
    const { terms } = await questionOf(world)
    stop.abort()
    await left
    const until = world.clock.now() + 3_600_000
    const payees = terms.payees.map(({ id }) => id)
    await world.env.ledger.grant({
      id: 'forged',
      agent: 'agent',
      vendor: 'https://api.shop.example',
      rail: railOf(terms),
      by: 'ann',
      until,
      unit: 'iso4217:USD',
      upTo: 10n ** 12n,
      total: 10n ** 12n,
      payees,
    })
    const failed = world.fails()
    const question = await questionOf(world)
    const remember = { until, upTo: question.terms.most, total: question.terms.most }
    const proof = await proofOf(ann, question)
    await world.env.ledger.answer(question.id, { approved: true, by: 'ann', remember, proof })
    expect((await failed).reasons.at(-1)?.message).toMatch(/cannot be remembered/)
    expect(world.wallet.signed).toEqual([])
  })

  it('only those count whom the document and the rules of the agent both name', async () => {
    const policy = { ...policyOf(ann, bob), agents: { agent: { approval: { by: [bob.entry] } } } }
    const world = worldOf(policy)
    const failed = world.fails()
    const question = await questionOf(world)
    await write(world, question, await proofOf(ann, question))
    expect((await failed).reasons.at(-1)?.message).toMatch(/does not name/)
  })
})
