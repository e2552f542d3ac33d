import { describe, expect, it, onTestFinished } from 'vitest'
import type { AskInput, AskResult, GivenAnswer, Hold, Ledger } from '../../src/ledger/index.js'
import type { Decision } from '../../src/policy/index.js'
import type { OpenAt } from './clock-contract.js'
import { type Buy, CENT, cents, committed, everClaim, holdOf, settled, TestClock } from './fixtures.js'

const YES: GivenAnswer = { approved: true, by: 'ann' }
const NO: GivenAnswer = { approved: false, by: 'ann', note: 'too dear' }
const MINUTE = 60_000
const SETTINGS = { timeoutMs: 5 * MINUTE, perAgent: 3, perVendor: 2, holds: 50 }

/** A payment that policy asks about. Without a fingerprint of its own, all make the same request. */
type Ask = Buy & {
  readonly settings?: Partial<AskInput['settings']>
  readonly repeat?: Decision['repeat']
  readonly name?: string
}

let places = 0

/** How every store keeps questions to people and their answers. */
export function approvalContract(name: string, openAt: OpenAt): void {
  const bench = async () => {
    const clock = new TestClock()
    const place = `approvals-${++places}`
    const open = (): Ledger => {
      const ledger = openAt(place, clock)
      onTestFinished(() => ledger.close())
      return ledger
    }
    const ledger = open()
    await ledger.renew('me', 60 * MINUTE)
    await ledger.renew('other', 60 * MINUTE)
    const plain = (id: string, buy: Buy): Promise<Hold> =>
      holdOf(ledger, id, { fingerprint: 'same', limit: 1000n * CENT, ...buy })
    const hold = async (id: string, buy: Buy = {}) => ledger.hold(await plain(id, buy))
    const holdFor = async (id: string, { repeat, ...buy }: Ask = {}): Promise<Hold> => {
      const given = await plain(id, buy)
      const more = repeat === undefined ? {} : { repeat }
      return { ...given, decision: { ...given.decision, effect: 'ask', ...more } }
    }
    const ask = async (id: string, buy: Ask = {}, on = ledger): Promise<AskResult> => {
      const { lane: _, ...hold } = await holdFor(id, buy)
      const settings = { ...SETTINGS, ...buy.settings }
      return on.ask({ id: buy.name ?? `q ${id}`, hold, termsHash: 'hash', serverSays: 'Tea', settings })
    }
    const claim = async (id: string, approval: string, buy: Ask = {}) =>
      ledger.hold({ ...(await holdFor(id, buy)), approval })
    const commit = async (id: string, approval?: string, buy: Buy = {}) => {
      const move = committed(buy)
      if (approval === undefined || move.to !== 'committed') return ledger.advance(id, move)
      return ledger.advance(id, { ...move, approval })
    }
    const stateOf = async (id: string) => (await ledger.approval(id))?.state
    return { clock, ledger, open, ask, hold, claim, commit, stateOf }
  }

  describe(`${name}: a question`, () => {
    it('shows what a person must see, and the budgets after the payment', async () => {
      const { ledger, ask, clock } = await bench()
      const asked = await ask('a', {
        price: 10,
        fee: 2,
        tasks: ['report'],
        claims: [everClaim(12n * CENT, 100n * CENT)],
      })
      expect(asked).toMatchObject({ kind: 'asked', held: { ok: true, payment: { id: 'a', state: 'held' } } })
      const approval = await ledger.approval('q a')
      expect(approval).toEqual({
        id: 'q a',
        payment: 'a',
        state: 'waiting',
        live: true,
        agent: 'researcher',
        tasks: ['report'],
        resource: expect.objectContaining({ operation: 'GET /v1/items/1' }),
        terms: expect.objectContaining({ most: cents(10) }),
        reasons: [],
        serverSays: 'Tea',
        budgets: [{ rule: 'budget.ever', counts: 'spend', limit: 100n * CENT, remaining: 88n * CENT }],
        askedAt: clock.wall,
        expires: clock.wall + 5 * MINUTE,
        termsHash: 'hash',
      })
      expect(JSON.parse(JSON.stringify(approval))).toMatchObject({
        budgets: [{ remaining: `${88n * CENT}` }],
        terms: { most: { text: '0.1 pathUSD' } },
      })
      expect(Object.isFrozen(approval)).toBe(true)
    })

    it('says what is left if it holds nothing', async () => {
      const { ledger, ask } = await bench()
      await ask('a', { claims: [everClaim(10n * CENT, 15n * CENT)] })
      expect((await ledger.approval('q a'))?.budgets).toMatchObject([{ remaining: 5n * CENT }])
      expect((await ledger.get('a'))?.units).toBe(0n)
    })

    it('is one for the same request, whoever asks', async () => {
      const { ask, ledger } = await bench()
      await ask('a')
      expect(await ask('b', { price: 99, owner: 'other' })).toMatchObject({
        kind: 'shared',
        approval: { id: 'q a' },
      })
      expect(await ledger.get('b')).toBeUndefined()
      expect(await ask('c', { agent: 'another' })).toMatchObject({ kind: 'asked' })
      expect(await ledger.approvals()).toHaveLength(2)
    })

    it('is asked within limits of an agent and of a vendor, which all processes share', async () => {
      const { ask, clock } = await bench()
      await ask('a', { fingerprint: '1' })
      clock.pass(1000)
      await ask('b', { fingerprint: '2', owner: 'other' })
      const retryAt = clock.wall - 1000 + 5 * MINUTE
      expect(await ask('c', { fingerprint: '3' })).toEqual({
        kind: 'full',
        rule: 'perVendor',
        limit: 2,
        retryAt,
      })
      await ask('d', { fingerprint: '4', vendor: 'https://other.example' })
      expect(await ask('e', { fingerprint: '5', vendor: 'https://third.example' })).toMatchObject({
        rule: 'perAgent',
      })
      clock.pass(5 * MINUTE)
      expect(await ask('f', { fingerprint: '6' })).toMatchObject({ kind: 'asked' })
    })

    it('holds no more than its share of a budget', async () => {
      const { ask, ledger } = await bench()
      const of = (fingerprint: string) => ({
        fingerprint,
        claims: [everClaim(10n * CENT, 35n * CENT)],
      })
      await ask('a', of('1'))
      await ask('b', of('2'))
      expect([(await ledger.get('a'))?.units, (await ledger.get('b'))?.units]).toEqual([10n * CENT, 0n])
    })

    it('is not asked about a payment that cannot be held', async () => {
      const { ask, ledger, claim } = await bench()
      expect(await ask('a', { limit: 9n * CENT })).toMatchObject({ kind: 'not held', held: { why: 'short' } })
      await ledger.freeze('stop')
      expect(await ask('a')).toMatchObject({ kind: 'not held', held: { why: 'frozen' } })
      expect(await ledger.approvals()).toEqual([])
      await ledger.unfreeze()
      expect(await claim('a', 'q a')).toMatchObject({ ok: false, why: 'unapproved' })
    })

    it('is taken over by the next call if its process is gone, unless the offer got worse', async () => {
      const { ask, ledger, clock } = await bench()
      await ledger.renew('gone', 1000)
      await ask('a', { owner: 'gone' })
      clock.pass(2000)
      expect(await ledger.approval('q a')).toMatchObject({ state: 'waiting', live: false })
      expect(await ask('b', { price: 9 })).toMatchObject({
        kind: 'asked',
        approval: { id: 'q a', payment: 'a', live: true, terms: { most: cents(10) } },
      })
      await ledger.retire('me')
      expect(await ask('c', { price: 11, owner: 'other' })).toMatchObject({
        kind: 'asked',
        approval: { id: 'q c' },
      })
      expect(await ledger.approval('q a')).toMatchObject({ state: 'withdrawn', withdrawn: 'left' })
    })

    it('that did not tell of a purchase meanwhile is asked anew', async () => {
      const { ask, ledger, hold } = await bench()
      await ask('a', { repeat: { withinMs: MINUTE } })
      await ledger.answer('q a', YES)
      await ledger.advance('a', { to: 'released', reason: 'left' })
      expect(await hold('p')).toMatchObject({ ok: true })
      await ledger.advance('p', committed())
      await ledger.advance('p', settled)
      expect(await ask('b', { repeat: { withinMs: MINUTE, last: 'p' } })).toMatchObject({
        kind: 'asked',
        approval: { id: 'q b' },
      })
      await ledger.answer('q b', YES)
      await ledger.advance('b', { to: 'released', reason: 'left' })
      expect(await ask('c', { repeat: { withinMs: MINUTE, last: 'p' } })).toMatchObject({
        kind: 'approved',
        approval: { id: 'q b' },
      })
    })

    it('is listed by state, agent and vendor, the newest first', async () => {
      const { ask, ledger } = await bench()
      await ask('a', { fingerprint: '1' })
      await ask('b', { fingerprint: '2', agent: 'another' })
      await ask('c', { fingerprint: '3', vendor: 'https://other.example' })
      await ledger.answer('q b', NO)
      const ids = async (query: Parameters<Ledger['approvals']>[0]) =>
        (await ledger.approvals(query)).map(({ id }) => id)
      expect(await ids({})).toEqual(['q c', 'q b', 'q a'])
      expect(await ids({ states: ['waiting'] })).toEqual(['q c', 'q a'])
      expect(await ids({ states: ['denied'] })).toEqual(['q b'])
      expect(await ids({ agent: 'another' })).toEqual(['q b'])
      expect(await ids({ vendor: 'https://other.example' })).toEqual(['q c'])
      expect(await ids({ limit: 2 })).toEqual(['q c', 'q b'])
      expect(await ledger.view?.().approvals({ states: ['waiting'] })).toHaveLength(2)
    })
  })

  describe(`${name}: an answer`, () => {
    it('counts once, with its time, and the later ones change nothing', async () => {
      const { ask, ledger, clock } = await bench()
      await ask('a')
      clock.pass(1000)
      const answer = { ...YES, note: 'ok', at: clock.wall }
      expect(await ledger.answer('q a', { ...YES, note: 'ok' })).toMatchObject({
        ok: true,
        approval: { state: 'approved', answer, usedBy: 'a' },
      })
      const before = await ledger.approval('q a')
      for (const late of [YES, NO])
        expect(await ledger.answer('q a', late)).toMatchObject({ ok: false, why: 'answered' })
      expect(await ledger.approval('q a')).toEqual(before)
    })

    it('to an unknown question, too late, or to a withdrawn question says so', async () => {
      const { ask, ledger, clock, stateOf } = await bench()
      expect(await ledger.answer('nothing', YES)).toEqual({ ok: false, why: 'unknown' })
      expect(await ledger.withdraw('nothing', 'left')).toBeUndefined()
      await ask('a', { fingerprint: '1' })
      await ask('b', { fingerprint: '2' })
      await ledger.withdraw('q b', 'left')
      expect(await ledger.answer('q b', YES)).toMatchObject({ ok: false, why: 'withdrawn' })
      clock.pass(5 * MINUTE)
      expect(await stateOf('q a')).toBe('expired')
      expect(await ledger.answer('q a', YES)).toMatchObject({
        ok: false,
        why: 'late',
        approval: { state: 'expired' },
      })
      expect(await stateOf('q a')).toBe('expired')
      expect(await ledger.withdraw('q a', 'left')).toMatchObject({ state: 'expired' })
    })

    it('is exactly one if many processes answer at once', async () => {
      const { ask, ledger, open } = await bench()
      await ask('a')
      const ledgers = [ledger, open(), open()]
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, n) => {
          const on = ledgers[n % ledgers.length] ?? ledger
          return on.answer('q a', { approved: n % 2 === 0, by: `person ${n}` })
        }),
      )
      expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
      const [first] = answers.flatMap((answer) => (answer.ok ? [answer.approval.answer] : []))
      expect((await ledger.approval('q a'))?.answer).toEqual(first)
    })

    it('that denies refuses the same terms for ten minutes, without a question', async () => {
      const { ask, ledger, clock } = await bench()
      await ask('a')
      await ledger.answer('q a', NO)
      const query = { vendor: 'https://api.search.example', agent: 'researcher', unit: 'iso4217:USD' }
      const facts = () => ledger.facts({ ...query, operation: 'GET /v1/items/*' })
      expect(await facts()).toMatchObject({ denials: 1, denied: [{ most: cents(10) }] })
      clock.pass(10 * MINUTE)
      expect(await facts()).toMatchObject({ denials: 0, denied: [] })
    })

    it('of another process is seen by the call that waits', async () => {
      const { ask, ledger, open } = await bench()
      await ask('a')
      const seen = ledger.untilApproval('q a', ({ state }) => state !== 'waiting')
      await open().answer('q a', YES)
      expect(await seen).toMatchObject({ state: 'approved', answer: { by: 'ann' } })
      expect(await ledger.untilApproval('nothing', () => false)).toBeUndefined()
    })

    it('is waited for no longer than the caller wants, or the ledger is open', async () => {
      const { ask, ledger } = await bench()
      await ask('a')
      const stop = new AbortController()
      const waiting = ledger.untilApproval('q a', () => false, stop.signal)
      stop.abort(new Error('gone'))
      await expect(waiting).rejects.toThrow('gone')
      await expect(ledger.untilApproval('q a', () => false, stop.signal)).rejects.toThrow('gone')
      const closed = ledger.untilApproval('q a', () => false)
      const ended = expect(closed).rejects.toMatchObject({ code: 'closed' })
      await ledger.close()
      await ended
    })
  })

  describe(`${name}: a yes`, () => {
    it('pays once: it is used up by the commit', async () => {
      const { ask, ledger, claim, commit, clock } = await bench()
      await ask('a')
      await ledger.answer('q a', YES)
      expect(await claim('a', 'q a')).toMatchObject({ ok: true })
      expect(await claim('b', 'q a')).toMatchObject({ ok: false, why: 'unapproved' })
      expect(await commit('a', 'q a')).toMatchObject({ ok: true })
      expect(await ledger.approval('q a')).toMatchObject({ usedBy: 'a', usedAt: clock.wall })
      await ledger.advance('a', { to: 'released', reason: 'void' })
      expect(await claim('b', 'q a')).toMatchObject({ ok: false, why: 'unapproved' })
      expect(await ask('b')).toMatchObject({ kind: 'asked', approval: { id: 'q b' } })
    })

    it.each([
      ['no yes', undefined],
      ['the yes of nobody', 'nothing'],
      ['the yes of another question', 'q b'],
    ])('is needed: a commit with %s is refused', async (_name, approval) => {
      const { ask, ledger, claim, commit } = await bench()
      await ask('a')
      await ledger.answer('q a', YES)
      await ask('b', { fingerprint: 'other' })
      await ledger.answer('q b', YES)
      expect(await claim('a', 'q a')).toMatchObject({ ok: true })
      expect(await commit('a', approval)).toMatchObject({ ok: false, payment: { state: 'held' } })
    })

    it.each([
      ['a question that waits', undefined],
      ['a no', NO],
    ])('is needed: %s claims nothing', async (_name, answer) => {
      const { ask, ledger, claim, commit } = await bench()
      await ask('a')
      if (answer !== undefined) await ledger.answer('q a', answer)
      expect(await claim('a', 'q a')).toMatchObject({ ok: false })
      expect(await commit('a', 'q a')).toMatchObject({ ok: false })
    })

    it.each<[string, Ask]>([
      ['dearer', { price: 11 }],
      ['with a fee', { fee: 1 }],
      ['to somebody else', { payee: '0xbbbb' }],
      ['of another request', { fingerprint: 'other' }],
      ['of another agent', { agent: 'another' }],
    ])('does not cover a payment that is %s', async (_name, buy) => {
      const { ask, ledger, claim } = await bench()
      await ask('a')
      await ledger.answer('q a', YES)
      await ledger.advance('a', { to: 'released', reason: 'left' })
      expect(await claim('b', 'q a', buy)).toMatchObject({ ok: false, why: 'unapproved' })
      expect(await ask('b', buy)).toMatchObject({ kind: 'asked', approval: { id: 'q b' } })
      expect(await claim('c', 'q a', { price: 9 })).toMatchObject({ ok: true })
    })

    it('does not cover worse terms at the commit', async () => {
      const { ask, ledger, claim, commit } = await bench()
      await ask('a')
      await ledger.answer('q a', YES)
      await claim('a', 'q a')
      expect(await commit('a', 'q a', { price: 11 })).toMatchObject({ ok: false })
      expect(await commit('a', 'q a')).toMatchObject({ ok: true })
    })

    it('that came after its process had ended is found by the same request, in time', async () => {
      const { ask, ledger, clock, claim, commit } = await bench()
      await ledger.renew('gone', 1000)
      await ask('a', { owner: 'gone' })
      clock.pass(2000)
      expect(await ledger.answer('q a', YES)).toMatchObject({ ok: true })
      expect((await ledger.approval('q a'))?.usedBy).toBeUndefined()
      expect(await ask('b')).toMatchObject({ kind: 'approved', approval: { id: 'q a' } })
      expect(await claim('b', 'q a')).toMatchObject({ ok: true })
      expect(await ask('c')).toMatchObject({ kind: 'asked' })
      expect(await commit('b', 'q a')).toMatchObject({ ok: true })
    })

    it('lapses when the question would have expired, and not within a minute', async () => {
      const { ask, ledger, clock, claim, commit } = await bench()
      await ask('a')
      await ask('b', { fingerprint: 'other', settings: { timeoutMs: 1000 } })
      for (const id of ['q a', 'q b']) await ledger.answer(id, YES)
      await claim('b', 'q b', { fingerprint: 'other' })
      clock.pass(59_000)
      expect(await claim('b', 'q b', { fingerprint: 'other' })).toMatchObject({ ok: true })
      clock.pass(1000)
      expect(await commit('b', 'q b')).toMatchObject({ ok: false })
      expect(await claim('a', 'q a')).toMatchObject({ ok: true })
      clock.pass(4 * MINUTE)
      expect(await claim('a', 'q a')).toMatchObject({ ok: false, why: 'unapproved' })
      expect(await ask('c')).toMatchObject({ kind: 'asked' })
    })

    it('that a payment claimed and gave up is free again', async () => {
      const { ask, ledger, claim, commit, clock } = await bench()
      await ledger.renew('gone', MINUTE)
      await ask('a', { owner: 'gone' })
      await ledger.answer('q a', YES)
      expect(await claim('b', 'q a')).toMatchObject({ ok: false, why: 'unapproved' })
      clock.pass(MINUTE)
      expect(await claim('b', 'q a')).toMatchObject({ ok: true })
      // The first process wakes up: the yes is not its own any more.
      expect(await commit('a', 'q a')).toMatchObject({ ok: false })
      expect(await commit('b', 'q a')).toMatchObject({ ok: true })
    })

    it('to a second offer of one purchase drops the first', async () => {
      const { ask, ledger, claim, commit } = await bench()
      await ask('a')
      await ledger.answer('q a', YES)
      const dearer = { price: 20, name: 'q dearer' }
      expect(await ask('a', dearer)).toMatchObject({ kind: 'asked', approval: { id: 'q dearer' } })
      await ledger.answer('q dearer', YES)
      expect(await claim('a', 'q dearer', dearer)).toMatchObject({ ok: true })
      expect(await commit('a', 'q dearer', dearer)).toMatchObject({ ok: true })
      await ledger.advance('a', { to: 'released', reason: 'void' })
      expect(await claim('b', 'q a')).toMatchObject({ ok: false, why: 'unapproved' })
    })
  })
}
