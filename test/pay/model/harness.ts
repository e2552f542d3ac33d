import { isPaymentError, type PaymentError } from '../../../src/errors/index.js'
import type { Ledger, Payment } from '../../../src/ledger/index.js'
import { type Approver, type Env, pay, recover, SentCredentials } from '../../../src/pay/index.js'
import { createPolicy } from '../../../src/policy/index.js'
import type { Wallet } from '../../../src/wallet/index.js'
import { CENT, fakeWallet, ORIGIN, offer, type Reply, resource, Server } from '../peers.js'
import { type FakeWorld, fakeWorld } from '../world.js'

export const LIFE_MS = 15_000
const DAY = 86_400_000

export type Serves =
  | 'pays'
  | 'rotates'
  | 'loses'
  | 'asks'
  | 'fails'
  | 'late'
  | 'free'
  | 'lies'
  | 'dearer'
  | 'hangs'

export type Says = 'yes' | 'no' | 'throws' | 'remembers'

export interface CallPlan {
  readonly agent: string
  readonly key?: string
  readonly path: string
  readonly cents: number
  readonly serves: Serves
  readonly says: Says
  /** The process ends before its ledger takes this many further steps. */
  readonly diesAfter?: number
}

/** What is known of a credential from the outside: who it was for, and until when the chain would take it. */
interface Issued {
  readonly call: number
  readonly logical: string
  readonly agent: string
  readonly cents: number
  readonly until: number
  readonly payment: string
}

export interface CallRecord {
  readonly plan: CallPlan
  reply?: Reply
  error?: PaymentError
}

interface Process {
  readonly owner: string
  readonly ledger: Ledger
  readonly limit: number
  steps: number
  dead: boolean
}

/** The system, and beside it the truth: what was signed for whom, and what really settled. */
export class Real {
  readonly world: FakeWorld = fakeWorld()
  readonly issued = new Map<string, Issued>()
  readonly settled = new Set<string>()
  readonly discarded = new Set<string>()
  readonly calls: CallRecord[] = []
  readonly wrong: string[] = []
  limit = 200
  #processes: Process[] = []
  #pending: { readonly challenge: string; readonly place: unknown }[] = []
  #hung: AbortController[] = []
  #lanes = new Map<string, string>()

  get #stored(): Ledger {
    return this.world.env.ledger
  }

  /** The chain: nothing that has run out, and one credential for each step of a lane. */
  accept(challenge: string, place: unknown): boolean {
    const known = this.issued.get(challenge)
    if (known === undefined || this.world.clock.now() > known.until) return false
    if (typeof place === 'string') {
      const taken = this.#lanes.get(place)
      if (taken !== undefined && taken !== challenge) return false
      this.#lanes.set(place, challenge)
    }
    this.settled.add(challenge)
    this.world.rail.settled.add(challenge)
    return true
  }

  /** A server cashes what it kept back. */
  cash(): void {
    for (const { challenge, place } of this.#pending.splice(0)) this.accept(challenge, place)
  }

  spawn(limit = this.limit): Process {
    const stored = this.#stored
    const process: Process = {
      owner: crypto.randomUUID(),
      limit,
      steps: Number.POSITIVE_INFINITY,
      dead: false,
      // A process that has ended never hears from its ledger again.
      ledger: new Proxy(stored, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name)
          if (typeof member !== 'function') return member
          return (...given: unknown[]) => {
            if (process.steps-- <= 0) process.dead = true
            return process.dead ? silence() : Reflect.apply(member, target, given)
          }
        },
      }),
    }
    this.#processes.push(process)
    return process
  }

  kill(index: number): void {
    const process = this.#processes[index % Math.max(1, this.#processes.length)]
    if (process !== undefined) process.dead = true
  }

  process(index: number): Process {
    this.#processes = this.#processes.filter(({ dead }) => !dead)
    if (this.#processes.length < 2) this.spawn()
    return this.#processes[index % this.#processes.length] ?? this.spawn()
  }

  env(process: Process, call: number, plan?: CallPlan): Env {
    const env: Env = {
      ...this.world.env,
      owner: process.owner,
      ledger: process.ledger,
      policy: policyOf(process.limit),
      wallets: [this.#wallet(call, plan)],
      sent: new SentCredentials(),
      approver: approver(plan?.says ?? 'no', this.world),
      keepAlive: () => process.ledger.renew(process.owner, 30_000),
      sweep: async () => (await recover(env, 'all')).released > 0,
    }
    return env
  }

  #wallet(call: number, plan: CallPlan | undefined): Wallet {
    const { rail, clock } = this.world
    const inner = fakeWallet(rail, clock, {})
    return {
      id: inner.id,
      kinds: inner.kinds,
      quote: (challenge, context) => inner.quote(challenge, context),
      inspect: (evidence, told) => inner.inspect(evidence, told),
      prepare: async (authorization, options) => {
        const prepared = await inner.prepare(authorization, options)
        const { quote, payment } = inner.signed.at(-1) ?? {}
        const id = quote?.challenge.id ?? ''
        this.issued.set(id, {
          call,
          // A key names a purchase of one agent.
          logical: plan?.key === undefined ? `call ${call}` : `${plan.agent} ${plan.key}`,
          agent: plan?.agent ?? '',
          cents: Number(quote?.challenge.request['cents'] ?? 0),
          until: options.now + LIFE_MS,
          payment: payment ?? '',
        })
        const discard = async () => void this.discarded.add(id)
        return { ...prepared, discard }
      },
    }
  }

  async call(process: Process, plan: CallPlan): Promise<void> {
    const number = this.calls.length
    const record: CallRecord = { plan }
    this.calls.push(record)
    if (plan.diesAfter !== undefined) process.steps = plan.diesAfter
    const env = this.env(process, number, plan)
    const server = this.#server(plan)
    const abort = new AbortController()
    if (plan.serves === 'hangs') this.#hung.push(abort)
    const call = {
      context: { agent: plan.agent, tasks: [] },
      ...(plan.key === undefined ? {} : { key: plan.key }),
      signal: abort.signal,
    }
    let done = false
    void pay<Reply>(
      {
        resource: resource(plan.path),
        fingerprint: async () => `GET ${plan.path}`,
        send: (leg) => server.send(leg),
        mayAsk: ({ reading }) => reading.kind === 'asks',
        read: async ({ reading }) => reading,
        check: async () => undefined,
        drop: () => undefined,
        refuse: (problem) => ({ reading: { kind: 'answers', ok: false, status: 402 }, problem }),
      },
      call,
      async () => ({ env, call }),
    )
      .then(
        (reply) => {
          record.reply = reply
        },
        (error: unknown) => {
          if (isPaymentError(error)) record.error = error
          else if (!abort.signal.aborted) this.wrong.push(`call ${number} threw ${String(error)}`)
        },
      )
      .finally(() => {
        done = true
      })
    // A call that hangs, or whose process has ended, is left as it is.
    for (let turn = 0; turn < 40 && !done && !process.dead; turn++) await new Promise(setImmediate)
  }

  abort(): void {
    for (const each of this.#hung.splice(0)) each.abort(new Error('the caller hung up'))
  }

  #server(plan: CallPlan): Server {
    const server = new Server(this.world.rail)
    let turns = 0
    server.offers = () => [offer({ cents: plan.cents + (plan.serves === 'dearer' ? 7 * turns : 0) })]
    server.paid = async ({ credential, signal }): Promise<Reply> => {
      if (credential === undefined) return server.ask()
      turns++
      const id = credential.challenge.id
      const place = credential.payload['place']
      await this.#written(id)
      const receipt = { success: true, challengeId: id, reference: `tx-${id}`, claims: {} }
      const ok: Reply = { reading: { kind: 'answers', ok: true, status: 200 } }
      switch (plan.serves) {
        case 'rotates':
        case 'dearer':
          if (turns === 1) return server.ask()
          break
        case 'loses':
          this.accept(id, place)
          throw new TypeError('connection lost')
        case 'asks':
          this.accept(id, place)
          return server.ask()
        case 'fails':
          this.accept(id, place)
          return { reading: { kind: 'answers', ok: false, status: 500 } }
        case 'late':
          this.#pending.push({ challenge: id, place })
          throw new TypeError('connection lost')
        case 'free':
          return ok
        case 'lies':
          return { reading: { kind: 'answers', ok: true, status: 200, receipt } }
        case 'hangs':
          this.#pending.push({ challenge: id, place })
          return new Promise<never>((_, reject) => {
            signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
          })
      }
      if (!this.accept(id, place)) return server.ask()
      return { reading: { kind: 'answers', ok: true, status: 200, receipt } }
    }
    return server
  }

  /** A credential that arrives must already stand in the ledger. */
  async #written(challenge: string): Promise<void> {
    const payment = await this.#stored.get(this.issued.get(challenge)?.payment ?? '')
    const attempt = payment?.attempts.some(({ challengeId }) => challengeId === challenge)
    if (attempt !== true) this.wrong.push(`${challenge} left before it was committed`)
  }

  async payments(): Promise<Payment[]> {
    return this.world.payments()
  }

  /** Everything that must hold after every step. */
  async check(): Promise<string[]> {
    const wrong = [...this.wrong]
    const payments = await this.payments()
    const paid = new Map<string, number>()
    const truth = new Map<string, bigint>()
    for (const id of this.settled) {
      const { logical, agent, cents } = this.issued.get(id) ?? { logical: id, agent: '', cents: 0 }
      paid.set(logical, (paid.get(logical) ?? 0) + 1)
      truth.set(agent, (truth.get(agent) ?? 0n) + BigInt(cents) * CENT)
    }
    for (const [logical, times] of paid) if (times > 1) wrong.push(`${logical} was paid ${times} times`)
    const days = new Map<number, bigint>()
    for (const { createdAt, units } of payments) {
      const day = Math.floor(createdAt / DAY)
      days.set(day, (days.get(day) ?? 0n) + units)
    }
    for (const [day, units] of days) if (units > 200n * CENT) wrong.push(`day ${day} holds ${units}`)
    for (const [agent, moved] of truth) {
      const own = payments.filter(({ context }) => context.agent === agent)
      const counted = own.reduce((sum, { units }) => sum + units, 0n)
      if (counted < moved) wrong.push(`${agent}: ledger ${counted} < chain ${moved}`)
    }
    for (const [number, { error }] of this.calls.entries()) {
      const own = [...this.issued].filter(([, { call }]) => call === number)
      const moved = own.some(([id]) => this.settled.has(id))
      const left = own.filter(([id]) => !this.discarded.has(id))
      if (error?.name === 'PaymentRefusedError' && left.length > 0)
        wrong.push(`call ${number}: refused and signed`)
      if (error?.funds === 'untouched' && moved) wrong.push(`call ${number}: untouched and settled`)
      if (error?.funds === 'settled' && !this.#moved(error.paymentId, payments))
        wrong.push(`call ${number}: told settled, and nothing moved`)
    }
    return wrong
  }

  #moved(id: string | undefined, payments: readonly Payment[]): boolean {
    const payment = payments.find((each) => each.id === id)
    if (payment?.proof === 'receipt') return true
    return payment?.attempts.some(({ challengeId }) => this.settled.has(challengeId)) ?? false
  }

  async recover(process: Process): Promise<void> {
    let done = false
    void recover(this.env(process, -1), 'all').then(
      () => {
        done = true
      },
      (error: unknown) => {
        done = true
        this.wrong.push(`recovery threw ${String(error)}`)
      },
    )
    for (let turn = 0; turn < 2000 && !done && !process.dead; turn++) await new Promise(setImmediate)
  }

  /** When all validity has passed, the ledger and the chain must say the same. */
  async reconciled(): Promise<string[]> {
    this.abort()
    for (const process of this.#processes) process.dead = true
    this.world.clock.pass(3_600_000)
    await this.#stored.unfreeze()
    await this.recover(this.spawn())
    const wrong = await this.check()
    for (const payment of await this.payments()) {
      const moved = payment.attempts.some(({ challengeId }) => this.settled.has(challengeId))
      if (payment.state === 'held' || payment.state === 'committed') wrong.push(`${payment.state} is left`)
      // A receipt for terms without a fee is not looked at again: a lie keeps counting, and never the other way round.
      const believed = payment.state === 'settled' && payment.proof === 'receipt'
      if (!believed && (payment.state === 'settled') !== moved)
        wrong.push(`${payment.state} by ${payment.proof ?? 'nothing'}, and moved: ${moved}`)
    }
    return wrong
  }
}

/** What a dead process hears: a promise, and an iteration, without an end. */
function silence(): Promise<never> & AsyncIterable<never> {
  const never = new Promise<never>(() => undefined)
  return Object.assign(never, { [Symbol.asyncIterator]: () => ({ next: () => never }) })
}

const policies = new Map<number, Env['policy']>()
function policyOf(limit: number): Env['policy'] {
  const known = policies.get(limit)
  if (known !== undefined) return known
  const made = createPolicy({
    name: 'team',
    perPayment: '0.60',
    budgets: [
      { limit: `${(limit / 100).toFixed(2)}`, per: 'day' },
      { limit: '1.20', per: 'day', each: 'agent' },
    ],
    vendors: [{ origin: ORIGIN }],
    ask: [{ above: '0.30' }],
  })
  policies.set(limit, made)
  return made
}

function approver(says: Says, { clock }: FakeWorld): Approver {
  return async ({ terms }) => {
    if (says === 'throws') throw new TypeError('nobody is there')
    if (says === 'no') return { approved: false, by: 'ann' }
    if (says === 'yes') return { approved: true, by: 'ann' }
    const remember = { until: clock.now() + DAY, upTo: terms.most, total: terms.most }
    return { approved: true, by: 'ann', remember }
  }
}
