import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { isPaymentError, type PaymentError } from '../../src/errors/index.js'
import type { Ledger, Payment } from '../../src/ledger/index.js'
import { currencyTable, type Instant } from '../../src/money/index.js'
import {
  type Approver,
  type Call,
  type Env,
  Events,
  type Exchange,
  type Outcome,
  type PurserEvent,
  type PurserEvents,
  pay,
  runRecovery,
} from '../../src/pay/index.js'
import { LiveCredentials, PaymentLocks, RecoverySchedule } from '../../src/pay/process-state.js'
import { createPolicy, type PolicyDocument } from '../../src/policy/index.js'
import { completeOwn, own } from '../../src/util/objects.js'
import { Queues } from '../../src/util/queue.js'
import { OPTIONAL_METHODS, type Wallet } from '../../src/wallet/index.js'
import { TestClock } from '../ledger/fixtures.js'
import {
  CENT,
  type FakeWallet,
  fakeWallet,
  ORIGIN,
  Rail,
  type Reply,
  resource,
  Server,
  type WalletOptions,
} from './peers.js'

const LEASE_MS = 30_000
const BEAT_MS = 10_000

export interface WorldOptions {
  readonly policy?: PolicyDocument
  readonly wallets?: readonly WalletOptions[]
  /** Further wallets of other kinds. */
  readonly others?: readonly Wallet[]
  readonly approver?: Approver
  readonly approvals?: Env['approvals']
  readonly passkeys?: Env['passkeys']
  readonly prefer?: Env['prefer']
  readonly ledger?: (ledger: Ledger) => Ledger
}

export interface CallIn {
  readonly key?: string
  readonly path?: string
  readonly agent?: string
  readonly signal?: AbortSignal
}

/** Everything that a payment needs, in memory, on a clock that moves only during a sleep. */
export interface FakeWorld {
  readonly env: Env
  readonly clock: TestClock
  readonly rail: Rail
  readonly server: Server
  readonly wallet: FakeWallet
  readonly wallets: readonly FakeWallet[]
  /** Runs one call through the payment flow. */
  pay(call?: CallIn): Promise<Reply>
  /** Runs one call, and returns the error that it must end with. */
  fails(call?: CallIn): Promise<PaymentError>
  payments(): Promise<Payment[]>
  /** The count of the whole ledger, in cents. */
  counted(): Promise<number>
  outcome(target: object): Outcome | undefined
  /** The times of the scheduled rechecks. */
  readonly due: readonly Instant[]
  heard<E extends PurserEvent>(name: E): PurserEvents[E][]
  /** Another process with the same ledger, rail and server. `more` has its differences. */
  neighbour(more?: WorldOptions): FakeWorld
}

export function fakeWorld(options: WorldOptions = {}): FakeWorld {
  const clock = new TestClock()
  const rail = new Rail()
  const stored = memoryLedger({ clock })
  const ledger = options.ledger?.(stored) ?? stored
  return worldOn({ clock, rail, ledger, server: new Server(rail), alive: [] }, options)
}

interface Shared {
  readonly clock: TestClock
  readonly rail: Rail
  readonly ledger: Ledger
  readonly server: Server
  /** The live processes. */
  readonly alive: string[]
}

function worldOn(shared: Shared, options: WorldOptions): FakeWorld {
  const { clock, rail, ledger, server, alive } = shared
  const wallets = (options.wallets ?? [{}]).map((each) => fakeWallet(rail, clock, each))
  // As `createPurser` does with the wallets that it is given.
  for (const wallet of wallets) completeOwn(wallet, OPTIONAL_METHODS)
  const [wallet] = wallets
  if (wallet === undefined) throw new Error('a world needs a wallet')
  const outcomes = new WeakMap<object, Outcome>()
  const due: Instant[] = []
  const emitter = new Events()
  const policy = createPolicy({
    perPayment: '1',
    budgets: [{ limit: '5', per: 'day' }],
    vendors: [{ origin: ORIGIN }],
    ...options.policy,
  })
  const owner = crypto.randomUUID()
  alive.push(owner)
  const env: Env = own({
    owner,
    policy,
    ledger,
    ledgerId: 'ledger',
    wallets: [...wallets, ...(options.others ?? [])],
    currencies: currencyTable(),
    clock,
    emitter,
    prefer: options.prefer ?? [],
    doubtWindowMs: 120_000,
    patienceMs: 45_000,
    liveCredentials: new LiveCredentials(),
    queues: new Queues(),
    newId: () => crypto.randomUUID(),
    // A sleep moves the time, one turn of the event loop later. Live processes renew their leases meanwhile.
    sleep: async (ms, signal) => {
      await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
      for (let left = ms; left > 0; left -= BEAT_MS) {
        await Promise.all(alive.map((each) => ledger.renew(each, LEASE_MS)))
        clock.pass(Math.min(left, BEAT_MS))
      }
    },
    keepAlive: () => ledger.renew(owner, LEASE_MS),
    runInBackground: (work) => work(new AbortController().signal),
    schedule: new RecoverySchedule(),
    usedApprovals: new Set(),
    yieldToEventLoop: () => undefined,
    locks: new PaymentLocks(),
    budgetsUsed: () => undefined,
    makeRoom: async (on) => {
      let found = false
      const made = (before: Payment, after: Payment): void => {
        found ||= after.units < before.units
      }
      await runRecovery(env, 'due', { on, order: 'newest', found: made })
      return found
    },
    scheduleRecheck: (at) => void due.push(at),
    attachOutcome: (target, outcome) => void outcomes.set(target, outcome),
    ...(options.approver === undefined ? {} : { approver: options.approver }),
    approvals: options.approvals,
    passkeys: options.passkeys,
  })
  const run = ({ key, path, agent = 'agent', signal }: CallIn = {}): Promise<Reply> => {
    const call: Call = own({
      context: own({ agent, tasks: [] }),
      ...(key === undefined ? {} : { key }),
      ...(signal === undefined ? {} : { signal }),
    })
    const exchange = exchangeTo(server, path)
    const { resource: asked } = exchange
    const [remembered] = env.wallets.flatMap((one) => one.rememberedChallenge?.(asked, clock.now()) ?? [])
    return pay(exchange, call, async () => ({ env, call }), { remembered })
  }
  const payments = async (): Promise<Payment[]> => {
    const all: Payment[] = []
    for await (const payment of ledger.find({ order: 'oldest' })) all.push(payment)
    return all
  }
  return {
    env,
    clock,
    rail,
    server,
    wallet,
    wallets,
    pay: run,
    async fails(call) {
      const error: unknown = await run(call).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (!isPaymentError(error)) throw new Error('no PaymentError', { cause: error })
      return error
    },
    payments,
    due,
    counted: async () => Number((await payments()).reduce((sum, { units }) => sum + units, 0n) / CENT),
    outcome: (target) => outcomes.get(target),
    heard(name) {
      const events: PurserEvents[typeof name][] = []
      emitter.on(name, (event) => void events.push(event))
      return events
    },
    neighbour: (more = {}) => worldOn(shared, { ...options, ...more }),
  }
}

function exchangeTo(server: Server, path = '/tea'): Exchange<Reply> {
  return {
    resource: resource(path),
    fingerprint: async () => `GET ${path}`,
    send: (outgoing) => server.send(outgoing),
    mayRequirePayment: ({ reading }) => reading.kind === 'payment-required',
    read: async ({ reading }) =>
      own(reading.kind === 'payment-required' ? { ...reading, at: resource(path) } : reading),
    check: async (challenge) => server.check(challenge),
    discard: () => undefined,
    refuse: (problem) => ({ reading: { kind: 'response', ok: false, status: 402 }, problem }),
  }
}
