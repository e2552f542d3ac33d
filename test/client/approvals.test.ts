import { beforeEach, expect, it } from 'vitest'
import { type Approval, approvalTermsHash, type Purser, type PurserOptions } from '../../src/index.js'
import { memoryLedger } from '../../src/ledger/index.js'
import { askingPurser, ORIGIN } from '../notify/kit.js'

// `purser.approvals`: the questions of a ledger, for a command line or a page in another process.

const KEY = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'

let ledger = memoryLedger()
beforeEach(() => {
  ledger = memoryLedger()
})

function purserOf(more: Partial<PurserOptions> = {}): Purser {
  return askingPurser({ agent: 'agent', ledger, ...more })
}

async function waiting(purser: Purser): Promise<Approval> {
  for (;;) {
    const [question] = await purser.approvals.list({ states: ['waiting'] })
    if (question !== undefined) return question
    await new Promise((resolve) => setImmediate(resolve))
  }
}

it('lists questions, answers them from another purser, and refuses a second answer', async () => {
  const asking = purserOf({ agent: 'researcher', approvals: 'ledger' })
  const paid = asking.fetch(`${ORIGIN}/tea`)
  const other = purserOf()
  const question = await waiting(other)
  expect(question).toMatchObject({ agent: 'researcher', resource: { vendor: ORIGIN, operation: 'GET /tea' } })
  expect(question.budgets).toMatchObject([{ rule: 'budget.day', remaining: 8_000_000_000n }])
  expect(approvalTermsHash(question)).toBe(question.termsHash)
  expect(JSON.parse(JSON.stringify(question))).toMatchObject({
    state: 'waiting',
    terms: { most: { value: '100000' } },
    budgets: [{ remaining: '8000000000' }],
  })
  expect(await other.approvals.answer(question.id, { approved: true, by: 'ann', note: 'ok' })).toMatchObject({
    ok: true,
    approval: { state: 'approved' },
  })
  expect((await paid).status).toBe(200)
  expect(await other.approvals.answer(question.id, { approved: false, by: 'bob' })).toMatchObject({
    ok: false,
    why: 'answered',
  })
  expect(await other.approvals.get(question.id)).toMatchObject({
    answer: { by: 'ann', note: 'ok' },
    usedAt: expect.any(Number),
  })
  expect(await other.approvals.get('nothing')).toBeUndefined()
  expect(await ledger.view?.().approvals({ agent: 'researcher' })).toHaveLength(1)
})

it('is a TypeError for an answer of another shape, and for an unknown filter', async () => {
  const purser = purserOf()
  const answer: (id: string, given: never) => Promise<unknown> = purser.approvals.answer
  for (const given of [true, {}, { approved: 'yes', by: 'ann' }, { approved: true }])
    await expect(answer('id', given as never)).rejects.toThrow(TypeError)
  const list: (query: never) => Promise<unknown> = purser.approvals.list
  await expect(list({ state: 'waiting' } as never)).rejects.toThrow(/did you mean states/)
  expect(await purser.approvals.answer('nothing', { approved: true, by: 'ann' })).toEqual({
    ok: false,
    why: 'unknown',
  })
})

it('refuses an answer without the signature that policy needs, and leaves the question open', async () => {
  const by = [{ name: 'ann', type: 'ed25519', publicKey: KEY } as const]
  const policy = {
    perPayment: '1 USD',
    budgets: [{ limit: '9 USD', per: 'day' } as const],
    vendors: [{ origin: ORIGIN }],
    ask: [{ above: '0.01' }],
    approval: { by },
  }
  const asking = purserOf({ agent: 'writer', policy })
  const stop = new AbortController()
  const left = asking.fetch(`${ORIGIN}/coffee`, { signal: stop.signal }).catch(() => 'left')
  const other = purserOf({ policy })
  const { id } = await waiting(other)
  for (const approved of [true, false])
    expect(await other.approvals.answer(id, { approved, by: 'ann' })).toMatchObject({
      ok: false,
      why: 'unproven',
      message: expect.stringContaining('has no signature'),
      approval: { state: 'waiting' },
    })
  stop.abort()
  expect(await left).toBe('left')
})

it('emits an event when it freezes its ledger, and when it allows payments again', async () => {
  const purser = purserOf()
  const heard: unknown[] = []
  purser.on('freeze', (event) => heard.push(event))
  await purser.freeze('looking into it')
  await purser.unfreeze()
  await new Promise(setImmediate)
  expect(heard).toEqual([{ frozen: true, why: 'looking into it' }, { frozen: false }])
})
