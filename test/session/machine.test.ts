import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { ChannelStore, operationOf } from '../../src/session/channel-store.js'
import type { Pending } from '../../src/session/json.js'
import {
  reduce,
  type SessionChannel,
  type SessionEffect,
  type SessionEvent,
} from '../../src/session/machine.js'
import { challenge, open, opening, PAYEE, TOKEN } from './parts.js'

const more: Pending = { add: 50n, seen: `0x${'77'.repeat(32)}`, validBefore: 2_000 }

const EVENTS: Readonly<Record<SessionEvent['kind'], SessionEvent>> = {
  begun: { kind: 'begun', channel: opening },
  resumed: { kind: 'resumed', channel: open },
  accepted: {
    kind: 'accepted',
    operation: 'op',
    address: '',
    challenge,
    added: opening.pending,
    delivered: 5n,
  },
  found: { kind: 'found', deposit: 100n, closeRequestedAt: 0 },
  funding: { kind: 'funding', pending: more, payment: 'more' },
  lapsed: { kind: 'lapsed', seen: opening.pending.seen },
  leaving: { kind: 'leaving' },
  agreed: { kind: 'agreed' },
  forgotten: { kind: 'forgotten', at: 5 },
  closed: { kind: 'closed', captured: 10n },
  recalled: { kind: 'recalled', total: 40n },
}

const led = (channel: SessionChannel | undefined, ...events: readonly SessionEvent[]) =>
  events.reduce((state, event) => reduce(state, event).channel, channel)

describe('a channel', () => {
  it('is opened by a receipt, or by the state on the chain', () => {
    expect(led(undefined, EVENTS.begun)).toBe(opening)
    expect(led(opening, EVENTS.accepted)).toMatchObject({ state: 'open', deposit: 100n })
    expect(led(opening, EVENTS.found)).toMatchObject({ state: 'open', deposit: 100n })
    const stranger: SessionEvent = { kind: 'accepted', operation: 'op', address: '', challenge }
    expect(led(opening, stranger)).toBe(opening)
    expect(reduce(opening, stranger).effects).toEqual([])
  })

  it('is begun once', () => {
    expect(reduce(open, EVENTS.begun)).toEqual({ channel: open, effects: [] })
    expect(reduce(undefined, EVENTS.accepted)).toEqual({ channel: undefined, effects: [] })
  })

  it('that was never opened is closed without captures', () => {
    expect(led(opening, EVENTS.lapsed)).toMatchObject({ state: 'closed', deposit: 0n, captured: 0n })
    expect(led(opening, { kind: 'lapsed', seen: more.seen })).toBe(opening)
  })

  it('is topped up if a receipt or the chain shows it', () => {
    const funding = led(open, EVENTS.funding)
    expect(funding).toMatchObject({
      pending: { ...more, payment: 'more' },
      funding: ['opened', 'more'],
      deposit: 100n,
    })
    const arrived = led(funding, {
      ...EVENTS.accepted,
      kind: 'accepted',
      operation: 'op',
      address: '',
      challenge,
      added: more,
    })
    expect(arrived).toMatchObject({ state: 'open', deposit: 150n, funding: ['opened', 'more'] })
    expect(arrived).not.toHaveProperty('pending')
    expect(led(funding, { kind: 'found', deposit: 150n, closeRequestedAt: 0 })).not.toHaveProperty('pending')
    expect(led(funding, { kind: 'found', deposit: 120n, closeRequestedAt: 0 })).toMatchObject({
      pending: more,
    })
  })

  it('releases a top-up that never arrived, and no other deposit', () => {
    const lapse: SessionEvent = { kind: 'lapsed', seen: more.seen }
    const lapsed = led(open, EVENTS.funding, lapse)
    expect(lapsed).toMatchObject({ state: 'open', funding: ['opened'], deposit: 100n })
    expect(lapsed).not.toHaveProperty('pending')
    // The payment that opened it has locked up more than what lapsed.
    const again: SessionEvent = { kind: 'funding', pending: more, payment: 'opened' }
    expect(led(open, again, lapse)).toMatchObject({ funding: ['opened'] })
  })

  it('that is closing pays nothing, and may continue', () => {
    const closing = led(open, EVENTS.leaving)
    expect(closing).toMatchObject({ state: 'closing', deposit: 100n })
    if (closing === undefined) return expect.fail('no channel')
    expect(reduce(closing, EVENTS.accepted).effects).toEqual([])
    expect(led(closing, EVENTS.found)).toMatchObject({ state: 'open' })
    const asked = led(open, { kind: 'found', deposit: 100n, closeRequestedAt: 7 })
    expect(asked).toMatchObject({ state: 'closing', since: 7 })
    expect(reduce(asked, { kind: 'found', deposit: 100n, closeRequestedAt: 7 }).effects).toEqual([])
    expect(led(asked, EVENTS.funding)).toMatchObject({ state: 'closing', funding: ['opened', 'more'] })
  })

  it('that the vendor has forgotten is never signed on again, for any state on the chain', () => {
    const forgotten = led(open, EVENTS.forgotten)
    expect(forgotten).toMatchObject({ state: 'closing', deposit: 100n, forgottenAt: 5 })
    if (forgotten === undefined) return expect.fail('no channel')
    expect(reduce(open, EVENTS.forgotten).effects).toEqual([{ kind: 'store' }, { kind: 'forget' }])
    expect(led(forgotten, EVENTS.found)).toBe(forgotten)
    expect(led(forgotten, { kind: 'found', deposit: 150n, closeRequestedAt: 0 })).toMatchObject({
      ...{ state: 'closing', deposit: 150n, forgottenAt: 5 },
    })
    expect(led(forgotten, { kind: 'found', deposit: 100n, closeRequestedAt: 7 })).toMatchObject({
      ...{ state: 'closing', since: 7, forgottenAt: 5 },
    })
    expect(led(forgotten, { kind: 'forgotten', at: 9 })).toBe(forgotten)
    expect(reduce(forgotten, EVENTS.accepted).effects).toEqual([])
    expect(led(forgotten, EVENTS.closed)).toMatchObject({ state: 'closed', forgottenAt: 5 })
  })

  it('that the vendor has forgotten during its opening is closing as soon as the chain shows it', () => {
    const forgotten = led(opening, EVENTS.forgotten)
    expect(forgotten).toMatchObject({ state: 'opening', forgottenAt: 5 })
    expect(led(forgotten, EVENTS.found)).toMatchObject({ state: 'closing', forgottenAt: 5 })
    expect(led(forgotten, EVENTS.lapsed)).toMatchObject({ state: 'closed', deposit: 0n })
    expect(led(forgotten, EVENTS.accepted)).not.toHaveProperty('forgottenAt')
  })

  it('that the vendor has agreed to close stays closing until the chain shows it', () => {
    const agreed = led(open, EVENTS.leaving, EVENTS.agreed)
    expect(agreed).toMatchObject({ state: 'closing', deposit: 100n, agreed: true })
    expect(led(agreed, EVENTS.found)).toBe(agreed)
    expect(led(open, EVENTS.leaving, EVENTS.found, EVENTS.agreed)).toEqual(agreed)
    const forced = led(agreed, { kind: 'found', deposit: 100n, closeRequestedAt: 7 })
    expect(forced).toMatchObject({ state: 'closing', since: 7, agreed: true })
    expect(led(opening, EVENTS.agreed)).toBe(opening)
    expect(led(agreed, EVENTS.closed)).not.toHaveProperty('agreed')
  })

  it('continues above a total with the payer’s signature, and never below', () => {
    expect(led(open, EVENTS.recalled)).toMatchObject({ base: 40n })
    expect(led(open, EVENTS.recalled, { kind: 'recalled', total: 30n })).toMatchObject({ base: 40n })
  })

  it('that is closed stays closed', () => {
    const closed = led(open, EVENTS.closed)
    expect(closed).toMatchObject({ state: 'closed', captured: 10n, deposit: 100n })
    for (const event of Object.values(EVENTS))
      expect(reduce(closed, event)).toEqual({ channel: closed, effects: [] })
  })

  it('reaches every state, event and effect', () => {
    const states = new Set<string>()
    const effects = new Set<string>()
    const path: SessionEvent[] = [
      EVENTS.begun,
      EVENTS.accepted,
      EVENTS.funding,
      EVENTS.recalled,
      EVENTS.leaving,
      EVENTS.agreed,
      EVENTS.found,
    ]
    let channel: SessionChannel | undefined
    for (const event of [
      ...path,
      { ...EVENTS.lapsed, kind: 'lapsed' as const, seen: more.seen },
      EVENTS.closed,
    ]) {
      const reduced = reduce(channel, event)
      channel = reduced.channel
      if (channel !== undefined) states.add(channel.state)
      for (const effect of reduced.effects) effects.add(effect.kind)
    }
    expect([...states].sort()).toEqual(['closed', 'closing', 'open', 'opening'])
    const all: Record<SessionEffect['kind'], true> = { store: true, remember: true, forget: true }
    expect([...effects].sort()).toEqual(Object.keys(all).sort())
  })
})

const anEvent: fc.Arbitrary<SessionEvent> = fc.oneof(
  fc.constantFrom(...Object.values(EVENTS)),
  fc.record({
    kind: fc.constant('found'),
    deposit: fc.bigInt(1n, 400n),
    closeRequestedAt: fc.constantFrom(0, 9),
  }),
  fc.record({ kind: fc.constant('recalled'), total: fc.bigInt(0n, 100n) }),
  fc.constant<SessionEvent>({ kind: 'lapsed', seen: more.seen }),
  fc.constant<SessionEvent>({ kind: 'accepted', operation: 'op', address: '', challenge, added: more }),
)

describe('any sequence of events', () => {
  it('a closed channel stays closed, no funding is lost, and the total never falls below a signature', () => {
    fc.assert(
      fc.property(fc.array(anEvent, { maxLength: 40 }), (events) => {
        let channel: SessionChannel | undefined = opening
        for (const event of events) {
          const before: SessionChannel = channel ?? opening
          const reduced = reduce(before, event)
          channel = reduced.channel
          if (channel === undefined) throw new Error('it vanished')
          expect(channel.id).toBe(before.id)
          expect(channel.base >= before.base).toBe(true)
          // Only what is proven not to come is let go of.
          const lapsed =
            event.kind === 'lapsed' && before.state === 'open' ? before.pending?.payment : undefined
          const kept = before.funding.filter((id) => id !== lapsed)
          expect(channel.funding).toEqual(expect.arrayContaining(kept))
          if (before.state === 'closed') expect(channel).toBe(before)
          // What changed is stored, and what is remembered can be paid.
          if (channel !== before) expect(reduced.effects[0]?.kind).toBe('store')
          if (reduced.effects.some(({ kind }) => kind === 'remember')) expect(channel.state).toBe('open')
        }
      }),
    )
  })

  it('two processes that write one record lose no event', async () => {
    const stored = memoryLedger()
    const first = new ChannelStore()
    await first.apply(opening, EVENTS.begun, stored)
    await Promise.all([
      new ChannelStore().apply(opening, EVENTS.accepted, stored),
      new ChannelStore().apply(opening, EVENTS.recalled, stored),
      first.apply(opening, { kind: 'found', deposit: 100n, closeRequestedAt: 0 }, stored),
    ])
    expect(await first.current(opening, stored)).toMatchObject({ state: 'open', deposit: 100n, base: 40n })
  })

  it('its challenges are remembered for one operation, while they are valid, and end with the channel', async () => {
    const stored = memoryLedger()
    const book = new ChannelStore()
    const resource = {
      transport: 'http',
      vendor: 'https://api.example',
      operation: 'GET /v1',
      address: 'https://api.example/v1',
      method: 'GET',
      path: '/v1',
    } as const
    const { address } = resource
    const operation = operationOf(resource)
    await book.apply(opening, EVENTS.begun, stored)
    await book.apply(
      opening,
      { kind: 'accepted', operation, address, challenge, added: opening.pending, delivered: 5n },
      stored,
    )
    expect(book.standing(resource, 990_000)).toBe(challenge)
    expect(book.delivered(opening.lane)).toBe(5n)
    expect(book.standing({ ...resource, operation: 'POST /v1' }, 990_000)).toBeUndefined()
    expect(book.standing({ ...resource, vendor: 'https://other.example' }, 990_000)).toBeUndefined()
    expect(book.standing(resource, 995_001)).toBeUndefined()
    await book.apply(opening, { kind: 'accepted', operation, address, challenge }, stored)
    await book.apply(opening, EVENTS.leaving, stored)
    expect(book.standing(resource, 0)).toBeUndefined()
  })

  it.each<[string, string, boolean]>([
    ['the same', '10000', true],
    ['another', '20000', false],
  ])('a query that costs %s price as the one before is asked first', async (_, price, even) => {
    const stored = memoryLedger()
    const book = new ChannelStore()
    await book.apply(open, { kind: 'resumed', channel: open }, stored)
    const at = (query: string) =>
      ({
        transport: 'http',
        vendor: 'https://api.example',
        operation: 'GET /v1',
        address: `https://api.example/v1?q=${query}`,
        method: 'GET',
        path: '/v1',
      }) as const
    const asking = (amount: string) => ({
      ...challenge,
      request: {
        amount,
        currency: TOKEN,
        recipient: PAYEE,
        methodDetails: { chainId: 31337, sessionProtocol: 'v2' },
      },
    })
    const answered = (query: string, amount: string) => {
      const operation = operationOf(at(query))
      const { address } = at(query)
      return book.apply(open, { kind: 'accepted', operation, address, challenge: asking(amount) }, stored)
    }
    await answered('tea', '10000')
    expect(book.standing(at('tea'), 0)).toBeDefined()
    // Nobody knows what another one costs.
    expect(book.standing(at('cake'), 0)).toBeUndefined()
    await answered('cake', price)
    expect(book.standing(at('tea'), 0) !== undefined).toBe(even)
    expect(book.standing(at('pie'), 0) !== undefined).toBe(even)
    // A price that changes with time is that of the path.
    await answered('cake', '30000')
    expect(book.standing(at('cake'), 0) !== undefined).toBe(even)
  })
})
