import { isPaymentError, type PaymentError } from '../../../src/errors/index.js'
import type { Ledger, Payment } from '../../../src/ledger/index.js'
import { type ApprovalAnswer, type Approver, type Env, pay, runRecovery } from '../../../src/pay/index.js'
import type { Reply } from '../peers.js'
import { type FakeWorld, fakeWorld } from '../world.js'
import { ModelChain } from './chain.js'
import {
  approvalsKept,
  type CallRecord,
  errorsTrue,
  type Known,
  laneKept,
  ledgerCounts,
  paidOnce,
  twinsIgnored,
  twoAtMost,
} from './checks.js'
import { type Counted, exceeded, exceededBy, type Limits, LOOSEST, policyOf } from './limits.js'
import { type CallPlan, resourceOf } from './plan.js'
import { Holds, type Process, startProcess } from './process.js'
import { ModelServer } from './server.js'
import { modelWallet } from './wallet.js'

const DAY = 86_400_000

/** The system, and a record of the real payments: the signed ones and the settled ones. */
export class Real {
  readonly world: FakeWorld = fakeWorld()
  readonly chain = new ModelChain(this.world.clock)
  readonly calls: CallRecord[] = []
  readonly wrong: string[] = []
  #processes: Process[] = []
  readonly #kept: string[] = []
  readonly #aborts: AbortController[] = []
  readonly #asked: ((approved: boolean) => void)[] = []
  /** Every `payment` event, of all processes. */
  readonly #events = this.world.heard('payment')
  /** The day of each payment's latest hold: an approval may come on another day than the question. */
  readonly #days = new Map<string, number>()
  readonly #holds = new Holds(async () => {
    const before = await this.world.payments()
    return async (payment, limits) => {
      const now = this.world.clock.now()
      const day = Math.floor(now / DAY)
      this.#days.set(payment.id, day)
      const counted = await this.#counted()
      const over = exceededBy([payment, day], counted, limits)
      const after = counted.map(([each]) => each)
      // Other calls continue during a hold. An earlier payment was certainly in the way if it was so before and after.
      const ignored = twinsIgnored(payment, after, now).filter((twin) =>
        twinsIgnored(payment, before, now).includes(twin),
      )
      this.wrong.push(...ignored.map((twin) => `${payment.id} was held beside its twin ${twin}`))
      this.wrong.push(...over.map((each) => `held beyond the holder's own limits: ${each}`))
    }
  })

  get #stored(): Ledger {
    return this.world.env.ledger
  }

  /** Servers cash the credentials that they kept, the oldest or the newest first. */
  cash(order: 'oldest' | 'newest'): void {
    const kept = this.#kept.splice(0)
    for (const id of order === 'oldest' ? kept : kept.reverse()) this.chain.submit(id)
  }

  spawn(tighter: Partial<Limits> = {}): Process {
    const process = startProcess(this.world, { ...LOOSEST, ...tighter }, this.#holds)
    this.#processes.push(process)
    return process
  }

  kill(index: number): void {
    const process = this.#processes[index % Math.max(1, this.#processes.length)]
    if (process !== undefined) process.dead = true
  }

  process(index: number): Process {
    this.#processes = this.#processes.filter(({ dead }) => !dead)
    while (this.#processes.length < 2) this.spawn()
    return this.#processes[index % this.#processes.length] ?? this.spawn()
  }

  /** Makes a person answer who has not answered yet. */
  async answer(approved: boolean): Promise<void> {
    for (const answer of this.#asked.splice(0)) answer(approved)
    await turns(80, () => false)
  }

  abort(): void {
    for (const each of this.#aborts.splice(0)) each.abort(new Error('the caller hung up'))
  }

  async call(process: Process, plan: CallPlan): Promise<void> {
    const record: CallRecord = { plan, yes: false }
    const number = this.calls.push(record) - 1
    if (plan.diesAfter !== undefined) process.steps = plan.diesAfter
    const server = new ModelServer(this.chain, plan, this.#kept)
    const abort = new AbortController()
    this.#aborts.push(abort)
    const wallets = [modelWallet(this.chain, number, plan, (id) => this.#written(id))]
    const env = { ...this.#env(process), wallets, approver: this.#approver(plan, record) }
    const call = {
      context: { agent: plan.agent, tasks: plan.tasks },
      ...(plan.key === undefined ? {} : { key: plan.key }),
      signal: abort.signal,
    }
    let done = false
    const path = pay<Reply>(
      {
        resource: resourceOf(plan),
        fingerprint: async () => `GET ${plan.vendor}${plan.path}`,
        send: (outgoing) => server.answer(outgoing),
        mayRequirePayment: ({ reading }) => reading.kind === 'payment-required',
        read: async ({ reading }) => reading,
        check: async () => undefined,
        discard: () => undefined,
        refuse: (problem) => ({ reading: { kind: 'response', ok: false, status: 402 }, problem }),
      },
      call,
      async () => ({ env, call }),
    )
    void path
      .then(
        () => undefined,
        async (error: unknown) => {
          if (isPaymentError(error)) await this.#told(record, error)
          else if (!abort.signal.aborted) this.wrong.push(`call ${number} threw ${String(error)}`)
        },
      )
      .finally(() => {
        done = true
      })
    // A call that hangs, or whose process has ended, is left as it is.
    await turns(80, () => done || process.dead)
  }

  async #told(record: CallRecord, error: PaymentError): Promise<void> {
    const payment = await this.#stored.get(error.paymentId ?? '')
    if (payment !== undefined) record.payment = payment
    record.error = error
  }

  #env(process: Process): Env {
    const { owner, ledger, limits, own } = process
    const env: Env = {
      ...this.world.env,
      ...own,
      owner,
      ledger,
      policy: policyOf(limits),
      wallets: [],
      keepAlive: () => ledger.renew(owner, 30_000),
      budgetsUsed: () => undefined,
      makeRoom: async () => (await this.#recover(env)).released > 0,
    }
    return env
  }

  #recover(env: Env) {
    return runRecovery(
      { ...env, wallets: [modelWallet(this.chain, -1, NOTHING, async () => undefined)] },
      'all',
    )
  }

  #approver({ message }: CallPlan, record: CallRecord): Approver {
    const answer = (
      approved: boolean,
      remember?: Extract<ApprovalAnswer, { approved: true }>['remember'],
    ) => {
      record.yes = approved
      if (!approved) return { approved, by: 'eve' } as const
      return { approved, by: 'eve', ...(remember === undefined ? {} : { remember }) } as const
    }
    return async ({ terms }) => {
      if (message === 'throws') throw new TypeError('nobody is there')
      if (message === 'later')
        return answer(await new Promise<boolean>((resolve) => void this.#asked.push(resolve)))
      if (message !== 'remembers') return answer(message === 'yes')
      return answer(true, { until: this.world.clock.now() + DAY, upTo: terms.most, total: terms.most })
    }
  }

  /** A credential that leaves must already be in the ledger. */
  async #written(id: string): Promise<void> {
    const payment = await this.#stored.get(this.chain.issued.get(id)?.payment ?? '')
    const attempt = payment?.attempts.some(({ evidence }) => evidence.refs.includes(id))
    if (attempt !== true) this.wrong.push(`${id} left before it was committed`)
  }

  async #counted(): Promise<readonly Counted[]> {
    const day = ({ id, createdAt }: Payment) => this.#days.get(id) ?? Math.floor(createdAt / DAY)
    return (await this.world.payments()).map((payment) => [payment, day(payment)] as const)
  }

  /** Everything that must hold after every step. */
  async check(): Promise<string[]> {
    // The chain is read first: the ledger must count at least what it shows.
    const chain = this.chain.copy()
    const counted = await this.#counted()
    const known: Known = {
      chain,
      calls: this.calls,
      payments: counted.map(([payment]) => payment),
    }
    return [
      ...this.wrong,
      ...exceeded(counted, LOOSEST),
      ...paidOnce(known),
      ...laneKept(known),
      ...ledgerCounts(known, 'at least'),
      ...twoAtMost(known),
      ...approvalsKept(known),
      ...errorsTrue(known),
      ...(await this.#replayed()),
    ]
  }

  /** Replaying the events of all processes gives each payment of the ledger in its state, and no other payment. */
  async #replayed(): Promise<string[]> {
    // Listeners run after the step, not in it.
    await turns(3, () => false)
    const replay = new Map(this.#events.map(({ payment }) => [payment.id, payment.state]))
    const stored = new Map((await this.world.payments()).map(({ id, state }) => [id, state]))
    const ids = new Set([...replay.keys(), ...stored.keys()])
    return [...ids].flatMap((id) => {
      const [state, told] = [stored.get(id), replay.get(id)]
      return state === told ? [] : [`${id} is ${state} in the ledger, and ${told} by its last event`]
    })
  }

  async recover(process: Process): Promise<void> {
    let done = false
    void this.#recover(this.#env(process)).then(
      () => {
        done = true
      },
      (error: unknown) => {
        done = true
        this.wrong.push(`recovery threw ${String(error)}`)
      },
    )
    await turns(2_000, () => done || process.dead)
  }

  /** After all credentials have expired, the ledger and the chain must agree. */
  async reconciled(): Promise<string[]> {
    this.abort()
    for (const process of this.#processes) process.dead = true
    this.world.clock.pass(3_600_000)
    await this.#stored.unfreeze()
    await this.recover(this.spawn())
    const payments = await this.world.payments()
    const open = payments.filter(({ state }) => state === 'held' || state === 'committed')
    return [
      ...(await this.check()),
      ...open.map(({ id, state }) => `${id} is left ${state}`),
      ...ledgerCounts({ chain: this.chain, calls: this.calls, payments }, 'exactly'),
    ]
  }
}

/** A recovery belongs to no call. */
const NOTHING: CallPlan = {
  agent: '',
  tasks: [],
  vendor: 'https://api.other.example',
  path: '/',
  cents: 0,
  serves: 'pays',
  message: 'no',
}

async function turns(most: number, until: () => boolean): Promise<void> {
  for (let turn = 0; turn < most && !until(); turn++) await new Promise(setImmediate)
}
