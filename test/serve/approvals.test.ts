import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ApprovalAnswer, ApprovalRequest } from '../../src/index.js'
import { HOSTS, ORIGIN, setUp } from './kit.js'

const ASKS = { ask: [{ above: '0.01' }] }

/** An approver that answers when the test says so. */
function slowPerson() {
  const asked: ApprovalRequest[] = []
  let answer: (answer: ApprovalAnswer) => void = () => undefined
  return {
    asked,
    say: (approved: boolean) => answer({ approved, by: 'ann' }),
    approver: (request: ApprovalRequest) => {
      asked.push(request)
      return new Promise<ApprovalAnswer>((resolve) => {
        answer = resolve
      })
    },
  }
}

afterEach(() => void vi.useRealTimers())

describe.each(HOSTS)('a payment that a person must approve (%s)', (name) => {
  it('is pending, and goes on with the same call after the yes', async () => {
    const person = slowPerson()
    const { host, paid } = await setUp(name, { policy: ASKS, approver: person.approver })
    const args = { url: `${ORIGIN}/tea`, headers: { accept: 'text/plain', 'x-cup': 'big' } }
    const first = await host.call('paid_fetch', args)
    expect(first.isError).toBe(false)
    expect(first.data).toMatchObject({
      outcome: 'approval_pending',
      funds: 'held',
      approval: {
        id: person.asked[0]?.payment,
        how: expect.stringContaining('approver'),
        why: [expect.any(String)],
      },
    })
    expect((await host.call('paid_fetch', args)).data).toMatchObject({ outcome: 'approval_pending' })
    expect(paid()).toBe(0)
    person.say(true)
    // The order of names makes no other call of it.
    const again = { headers: { 'x-cup': 'big', accept: 'text/plain' }, url: args.url }
    const last = await host.call('paid_fetch', again)
    expect(last.data).toMatchObject({ outcome: 'delivered', body: 'tea', payment: { approvedBy: 'ann' } })
    expect(person.asked).toHaveLength(1)
    expect(paid()).toBe(1)
  })

  it('is refused after the no, and pays nothing', async () => {
    const person = slowPerson()
    const { host, paid } = await setUp(name, { policy: ASKS, approver: person.approver })
    const args = { url: `${ORIGIN}/tea` }
    expect((await host.call('paid_fetch', args)).data).toMatchObject({ outcome: 'approval_pending' })
    person.say(false)
    const answer = await host.call('paid_fetch', args)
    expect(answer.data).toMatchObject({ outcome: 'refused', funds: 'untouched' })
    expect(answer.text).toContain('ann did not approve')
    expect(paid()).toBe(0)
  })

  it('is the same question for equal calls at the same time, and none of them hangs', async () => {
    const person = slowPerson()
    const { host, paid } = await setUp(name, { policy: ASKS, approver: person.approver })
    const args = { url: `${ORIGIN}/tea` }
    const answers = await Promise.all([host.call('paid_fetch', args), host.call('paid_fetch', args)])
    for (const { data } of answers) expect(data).toMatchObject({ outcome: 'approval_pending' })
    expect(person.asked).toHaveLength(1)
    person.say(true)
    expect((await host.call('paid_fetch', args)).data).toMatchObject({ outcome: 'delivered' })
    expect(paid()).toBe(1)
  })

  it('is pending if a person can answer in the ledger, says how, and goes on after that yes', async () => {
    const { host, paid, purser } = await setUp(name, { policy: ASKS, outside: true })
    const args = { url: `${ORIGIN}/tea` }
    const first = await host.call('paid_fetch', args)
    const [question] = await purser.approvals.list({ states: ['waiting'] })
    const id = question?.id ?? ''
    expect(first.data).toMatchObject({
      outcome: 'approval_pending',
      approval: { how: `A person can answer at a terminal: purser approve ${id}` },
    })
    expect(paid()).toBe(0)
    expect(await purser.approvals.answer(id, { approved: true, by: 'ann' })).toMatchObject({ ok: true })
    expect((await host.call('paid_fetch', args)).data).toMatchObject({
      outcome: 'delivered',
      payment: { approvedBy: 'ann' },
    })
    expect(paid()).toBe(1)
    expect(await purser.approvals.list()).toHaveLength(1)
  })

  it('is refused at once if nobody can answer', async () => {
    const { host, paid } = await setUp(name, { policy: ASKS })
    expect((await host.call('paid_fetch', { url: `${ORIGIN}/tea` })).data).toMatchObject({
      outcome: 'refused',
    })
    expect(paid()).toBe(0)
  })

  it('is answered by the user of the host, if that is allowed', async () => {
    const shown: string[] = []
    const { host, paid } = await setUp(name, { policy: ASKS, elicitation: true }, async (message) => {
      shown.push(message)
      return { action: 'accept', content: { approve: true } }
    })
    const answer = await host.call('paid_fetch', { url: `${ORIGIN}/tea` })
    expect(answer.data).toMatchObject({ outcome: 'delivered' })
    expect(String(Object(answer.data['payment']).approvedBy)).toMatch(/^user of (old|new) host$/)
    expect(shown).toEqual([expect.stringContaining('wants to pay 0.1 pathUSD')])
    expect(paid()).toBe(1)
  })

  it('is not answered by the host if that is not allowed, though it declares that it can ask', async () => {
    let shown = 0
    const { host, paid } = await setUp(name, { policy: ASKS }, async () => {
      shown++
      return { action: 'accept', content: { approve: true } }
    })
    expect((await host.call('paid_fetch', { url: `${ORIGIN}/tea` })).data).toMatchObject({
      outcome: 'refused',
    })
    expect([shown, paid()]).toEqual([0, 0])
  })

  it('is not answered by the host beside an approver if that is not allowed', async () => {
    let shown = 0
    const person = slowPerson()
    const { host, paid } = await setUp(name, { policy: ASKS, approver: person.approver }, async () => {
      shown++
      return { action: 'accept', content: { approve: true } }
    })
    const answer = await host.call('paid_fetch', { url: `${ORIGIN}/tea` })
    expect(answer.data).toMatchObject({ outcome: 'approval_pending', funds: 'held' })
    expect(Object(answer.data['approval']).how).not.toContain('host')
    expect([shown, paid()]).toEqual([0, 0])
  })

  it.each([
    ['declines', { action: 'decline' }],
    ['cancels', { action: 'cancel' }],
    ['sends an empty form', { action: 'accept', content: {} }],
  ] as const)('stays open if the host %s: that is no person’s no', async (_, answer) => {
    const person = slowPerson()
    const { host, paid } = await setUp(
      name,
      { policy: ASKS, elicitation: true, approver: person.approver },
      async () => answer,
    )
    const args = { url: `${ORIGIN}/tea` }
    expect((await host.call('paid_fetch', args)).data).toMatchObject({ outcome: 'approval_pending' })
    expect(paid()).toBe(0)
    person.say(true)
    expect((await host.call('paid_fetch', args)).data).toMatchObject({ outcome: 'delivered' })
    expect(paid()).toBe(1)
  })

  it('is a no if the person sends the form without the tick', async () => {
    const { host, paid } = await setUp(name, { policy: ASKS, elicitation: true }, async () => ({
      action: 'accept',
      content: { approve: false },
    }))
    expect((await host.call('paid_fetch', { url: `${ORIGIN}/tea` })).data).toMatchObject({
      outcome: 'refused',
    })
    expect(paid()).toBe(0)
  })

  it('ends with its caller before the answer that it is pending', async () => {
    const person = slowPerson()
    const { host, paid } = await setUp(name, {
      policy: ASKS,
      approver: person.approver,
      options: { personMs: 5_000 },
    })
    const leaving = new AbortController()
    const call = host.call('paid_fetch', { url: `${ORIGIN}/tea` }, { signal: leaving.signal })
    while (person.asked.length === 0) await sleep(10)
    leaving.abort()
    await expect(call).rejects.toThrow()
    await sleep(100)
    person.say(true)
    await sleep(100)
    expect(paid()).toBe(0)
  })

  it('waits at most 30 seconds', async () => {
    const person = slowPerson()
    const { host } = await setUp(name, {
      policy: ASKS,
      approver: person.approver,
      options: { personMs: undefined },
    })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const answers: unknown[] = []
    void host.call('paid_fetch', { url: `${ORIGIN}/tea` }).then(({ data }) => answers.push(data['outcome']))
    while (person.asked.length === 0) await turn()
    await vi.advanceTimersByTimeAsync(30_000)
    for (let n = 0; n < 20; n++) await turn()
    expect(answers).toEqual(['approval_pending'])
  })

  it('reports progress at least every 10 seconds', async () => {
    const person = slowPerson()
    const { host } = await setUp(name, {
      policy: ASKS,
      approver: person.approver,
      options: { personMs: 60_000 },
    })
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const heard: unknown[] = []
    const calling = host.call(
      'paid_fetch',
      { url: `${ORIGIN}/tea` },
      { onprogress: (progress) => heard.push(progress) },
    )
    while (person.asked.length === 0) await turn()
    for (const seconds of [10, 20]) {
      await vi.advanceTimersByTimeAsync(10_000)
      await turn()
      expect(heard.length).toBeGreaterThanOrEqual(seconds / 10)
    }
    person.say(true)
    expect((await calling).data).toMatchObject({ outcome: 'delivered' })
  })
})

it('is not answered by a yes to another question', async () => {
  let shown = 0
  const { host, paid } = await setUp(
    'sdk 2.4, 2026-07-28',
    { policy: ASKS, elicitation: true, change: withState('another question') },
    async () => {
      shown++
      return { action: 'accept', content: { approve: true } }
    },
  )
  const answer = await host.call('paid_fetch', { url: `${ORIGIN}/tea` })
  expect(answer.data).toMatchObject({ outcome: 'approval_pending' })
  expect([shown, paid()]).toEqual([1, 0])
})

/** Replaces the state that a host of the stateless revision repeats with its answer. */
function withState(requestState: string) {
  return (message: object): object => {
    const params: unknown = Reflect.get(message, 'params')
    return typeof params === 'object' && params !== null && 'requestState' in params
      ? { ...message, params: { ...params, requestState } }
      : message
  }
}

/** Lets messages between a host and its server arrive. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
