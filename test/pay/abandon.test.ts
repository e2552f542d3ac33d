import { describe, expect, it } from 'vitest'
import type { Evidence, Ledger, Verdict } from '../../src/ledger/index.js'
import type { SendOptions } from '../../src/pay/index.js'
import { runRecovery } from '../../src/pay/recovery/recover.js'
import { spendAuthorization, type Wallet } from '../../src/wallet/index.js'
import { offer, type Reply, termsOf } from './peers.js'
import { type FakeWorld, fakeWorld } from './world.js'

type TokenState = 'open' | 'taken' | 'revoked' | 'waits'

/** A rail of tokens that can be revoked. Each purchase has one token, which may be sent several times. */
class Tokens {
  readonly states = new Map<string, TokenState>()
  readonly abandoned: string[] = []
  failing = false
  first: TokenState = 'open'
  making: (token: string) => Promise<unknown> = async () => undefined
  acted: ((token: string) => Promise<boolean>) | undefined

  readonly wallet: Wallet = {
    id: 'card:1',
    kinds: ['card/charge'],
    quote: async (challenge, { resource, earlierEvidence: after }) => ({
      ...{ wallet: 'card:1', challenge, resource, terms: termsOf(challenge) },
      ...(after === undefined ? {} : { replaces: { name: tokenOf(after), value: 0n } }),
    }),
    prepare: async (authorization, { now }) => {
      const { quote } = spendAuthorization(authorization, now)
      const token = quote.replaces?.name ?? `t${this.states.size + 1}`
      const evidence: Evidence = {
        ...{ wallet: 'card:1', kind: 'card/charge', refs: [token], recheckAt: now + 1_000 },
        detail: { token, made: false },
      }
      return {
        evidence,
        complete: async () => {
          if (!this.states.has(token)) this.states.set(token, this.first)
          await this.making(token)
          const { acted } = this
          const waits = this.states.get(token) === 'waits' && {
            pendingAction: acted ? { waitForPerson: () => acted(token) } : {},
          }
          return {
            credential: { challenge: quote.challenge, payload: { token } },
            evidence: { ...evidence, detail: { token, made: true } },
            goodUntil: now + 60_000,
            ...waits,
          }
        },
        discard: async () => undefined,
      }
    },
    inspect: async (evidence) => this.verdict(tokenOf(evidence)),
    abandon: async (evidence) => {
      const token = tokenOf(evidence)
      this.abandoned.push(token)
      if (this.failing) throw new Error('the rail is away')
      if (this.states.get(token) !== 'taken') this.states.set(token, 'revoked')
      return this.verdict(token)
    },
  }

  verdict(token: string): Verdict {
    const state = this.states.get(token)
    if (state === 'taken') return { state: 'settled', reference: token }
    if (state === 'revoked') return { state: 'void', reason: 'it was revoked' }
    const pending = { state: 'pending', recheckAt: Number.MAX_SAFE_INTEGER, reason: 'it is out' } as const
    if (state === 'waits')
      return { ...pending, person: { action: { kind: 'redirect', url: 'https://bank.example' } } }
    return { ...pending, ...(state === 'open' ? { reusable: true } : {}) }
  }
}

function tokenOf({ detail }: Evidence): string {
  return String(Object(detail)['token'])
}

/** A promise with its resolver. */
function signal(): { readonly given: Promise<void>; give(): void } {
  let give = (): void => undefined
  const given = new Promise<void>((resolve) => {
    give = resolve
  })
  return { given, give: () => give() }
}

/** The same ledger with some methods replaced. */
function withMethods(ledger: Ledger, own: Partial<Ledger>): Ledger {
  return new Proxy(ledger, {
    get(target, name) {
      const value: unknown = Reflect.get(own, name) ?? Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

interface Scene {
  readonly world: FakeWorld
  readonly rail: Tokens
}

/** A world whose server asks for a token, and answers it in this way. */
function scene(paid: (token: string, outgoing: SendOptions, scene: Scene) => Promise<Reply> | Reply): Scene {
  const rail = new Tokens()
  const world = fakeWorld({ others: [rail.wallet] })
  const made = { world, rail }
  world.server.offers = () => [offer({ kind: 'card/charge' })]
  world.server.paid = (outgoing) => paid(String(outgoing.credential?.payload['token']), outgoing, made)
  return made
}

const ok: Reply = { reading: { kind: 'response', ok: true, status: 200 } }
const broken: Reply = { reading: { kind: 'response', ok: false, status: 500 } }
const lost = (): never => {
  throw new Error('the connection died')
}

describe('a payment that no call continues', () => {
  it('is made void if its answer was lost, and the budget is free', async () => {
    const { world, rail } = scene(lost)
    expect(await world.fails()).toMatchObject({ code: 'wallet_failed', funds: 'untouched' })
    expect(rail.abandoned).toEqual(['t1'])
    expect(await world.counted()).toBe(0)
  })

  it('is made void if the server failed, and the caller gets the answer', async () => {
    const { world, rail } = scene(() => broken)
    expect(await world.pay()).toBe(broken)
    expect(rail.abandoned).toEqual(['t1'])
    expect(await world.payments()).toMatchObject([{ state: 'released' }])
  })

  it('is settled if it was paid, and nothing is made void', async () => {
    const { world, rail } = scene((token, _, { rail }) => {
      rail.states.set(token, 'taken')
      return lost()
    })
    expect(await world.fails()).toMatchObject({ code: 'paid_not_delivered', funds: 'settled' })
    expect(rail.abandoned).toEqual([])
  })

  it('is left alone if its answer was delivered, by recovery too', async () => {
    const { world, rail } = scene(() => ok)
    expect(await world.pay()).toBe(ok)
    await runRecovery(world.env, 'all')
    expect(rail.abandoned).toEqual([])
    expect(await world.counted()).toBe(10)
  })

  it('is left alone if another process took it over meanwhile', async () => {
    const { world, rail } = scene(() => broken)
    const other = world.neighbour()
    rail.making = async () => {
      const [payment] = await world.payments()
      await world.env.ledger.retire(world.env.owner)
      await other.env.keepAlive()
      await other.env.ledger.advance(payment?.id ?? '', { to: 'taken-over', owner: other.env.owner })
    }
    await world.pay()
    expect(rail.abandoned).toEqual([])
    expect(await world.counted()).toBe(10)
  })

  it('stays in doubt if the rail is down, and is reported', async () => {
    const { world, rail } = scene(lost)
    rail.failing = true
    const errors = world.heard('error')
    expect(await world.fails()).toMatchObject({ code: 'payment_in_doubt', funds: 'unknown' })
    expect(errors).toContainEqual(expect.objectContaining({ during: 'abandon' }))
    rail.failing = false
    await runRecovery(world.env, 'all')
    expect(await world.counted()).toBe(0)
  })
})

describe('a credential that waits for a person', () => {
  it('is not sent, is not made void, and its error says what to do', async () => {
    const { world, rail } = scene(() => ok)
    rail.first = 'waits'
    const error = await world.fails()
    expect(error).toMatchObject({ code: 'action_required', funds: 'unknown', retryable: false })
    expect(error.action).toEqual({ kind: 'redirect', url: 'https://bank.example' })
    await runRecovery(world.env, 'all')
    expect(rail.abandoned).toEqual([])
    expect(world.server.credentials).toEqual([])
    expect(await world.counted()).toBe(10)
  })

  it('is not sent by an equal call before they have acted; then the same payment goes on', async () => {
    const { world, rail } = scene(() => ok)
    rail.first = 'waits'
    const { paymentId } = await world.fails({ key: 'k' })
    expect(await world.fails({ key: 'k' })).toMatchObject({ code: 'action_required', paymentId })
    expect(world.server.credentials).toEqual([])
    rail.states.set('t1', 'open')
    expect(await world.pay({ key: 'k' })).toBe(ok)
    expect(await world.payments()).toMatchObject([{ id: paymentId, delivered: true, attempts: [{}, {}] }])
    expect(rail.states.size).toBe(1)
  })

  it('is sent after they have acted, and is on record meanwhile', async () => {
    const { world, rail } = scene(() => ok)
    rail.first = 'waits'
    const known: unknown[] = []
    rail.acted = async () => {
      known.push((await world.payments())[0]?.attempts[0]?.evidence.detail)
      return true
    }
    expect(await world.pay()).toBe(ok)
    expect(known).toEqual([{ token: 't1', made: true }])
  })

  it.each([
    ['says that nothing was done', async () => false],
    ['fails', () => Promise.reject(new Error('the page is gone'))],
  ])('is not sent if the function that asks them %s', async (_, acted) => {
    const { world, rail } = scene(() => ok)
    rail.first = 'waits'
    rail.acted = acted
    expect(await world.fails()).toMatchObject({ code: 'action_required' })
    expect(world.server.credentials).toEqual([])
  })
})

describe('a process that ends while a token is out', () => {
  it('leaves it to the next call, which continues it', async () => {
    const { world, rail } = scene(() => ok)
    let dead = false
    rail.making = () => (dead ? Promise.resolve() : new Promise(() => {}))
    void world.pay({ key: 'k' }).catch(() => undefined)
    while (rail.states.size === 0) await new Promise((resolve) => setImmediate(resolve))
    dead = true
    const [payment] = await world.payments()
    await world.env.ledger.retire(world.env.owner)
    const other = world.neighbour()
    expect(await other.pay({ key: 'k' })).toBe(ok)
    expect(await world.payments()).toMatchObject([{ id: payment?.id, attempts: [{}, {}] }])
    expect(rail.states.size).toBe(1)
  })

  /** A process that ended while a token is out. */
  async function dead(paid: Parameters<typeof scene>[0]): Promise<Scene> {
    const made = scene(paid)
    const { world, rail } = made
    let gone = false
    rail.making = () => (gone ? Promise.resolve() : new Promise(() => {}))
    void world.pay({ key: 'k' }).catch(() => undefined)
    while (rail.states.size === 0) await new Promise((resolve) => setImmediate(resolve))
    gone = true
    await world.env.ledger.retire(world.env.owner)
    return made
  }

  it('leaves it to a call of the next process, whose recovery does not end it meanwhile', async () => {
    const [shown, answered] = [signal(), signal()]
    const { world, rail } = await dead(async () => {
      shown.give()
      await answered.given
      return ok
    })
    const other = world.neighbour()
    let call: Promise<unknown> | undefined
    // After the recovery has read the due payments, and before it inspects one, the call continues it.
    const keepAlive = async (): Promise<void> => {
      call = other.pay({ key: 'k' })
      await shown.given
    }
    await runRecovery({ ...other.env, keepAlive }, 'all')
    answered.give()
    expect(await call).toBe(ok)
    expect(rail.abandoned).toEqual([])
    expect(rail.states.size).toBe(1)
  })

  it('leaves it to the recovery of the next process, whose call waits for that and pays again', async () => {
    const { world } = await dead(() => ok)
    const [payment] = await world.payments()
    const other = world.neighbour()
    const { ledger } = other.env
    const [begun, over] = [signal(), signal()]
    const slow = withMethods(ledger, {
      advance: async (...move) => {
        begun.give()
        await over.given
        return ledger.advance(...move)
      },
    })
    let recovery: Promise<unknown> | undefined
    const hold: Ledger['hold'] = async (asked) => {
      const held = await ledger.hold(asked)
      if (held.ok || recovery !== undefined) return held
      // After the call has read the earlier payment, and before it takes it over, the recovery does.
      recovery = runRecovery({ ...other.env, ledger: slow }, 'all')
      await begun.given
      setTimeout(over.give, 20)
      return held
    }
    Object.assign(other.env, { ledger: withMethods(ledger, { hold }) })
    expect(await other.pay({ key: 'k' })).toBe(ok)
    await recovery
    expect(await world.payments()).toMatchObject([
      { id: payment?.id, state: 'released' },
      { state: 'committed', delivered: true },
    ])
  })

  it('sends nothing if it wakes up after the token was given up', async () => {
    const { world, rail } = scene(() => ok)
    rail.making = async () => {
      const [payment] = await world.payments()
      await world.env.ledger.advance(payment?.id ?? '', { to: 'released', reason: 'it was revoked' })
    }
    expect(await world.fails()).toMatchObject({ funds: 'untouched' })
    expect(world.server.credentials).toEqual([])
  })

  it('sends nothing if it wakes up between the proof that it is void and the release', async () => {
    const { world, rail } = scene(() => ok)
    rail.making = async (token) => {
      rail.states.set(token, 'revoked')
      const [payment] = await world.payments()
      await world.env.ledger.advance(payment?.id ?? '', {
        to: 'voided',
        attempt: 0,
        reason: 'it was revoked',
      })
    }
    await world.fails()
    expect(world.server.credentials).toEqual([])
    expect(await world.payments()).toMatchObject([{ state: 'released' }])
  })
})
