import { isPaymentError } from '../errors/index.js'
import { checkedClock, type DueQuery, incomplete, type Ledger } from '../ledger/index.js'
import { type Instant, withRates } from '../money/index.js'
import {
  BudgetAlerts,
  type Emitter,
  type Env,
  LiveCredentials,
  type Outcome,
  PaymentLocks,
  type Recovery,
  RecoverySchedule,
} from '../pay/index.js'
import { Queues } from '../util/queue.js'
import { randomId } from '../util/random-id.js'
import { sleep } from '../util/timers.js'
import { BackgroundTasks } from './background-tasks.js'
import { Catalog } from './catalog.js'
import { Lease } from './lease.js'
import { RoomSearch } from './make-room.js'
import type { Settings } from './options.js'
import { BackgroundReclaims } from './reclaim.js'
import { Recoveries } from './recoveries.js'
import { processorTime } from './runtime.js'
import { leaveLedger, useLedger } from './shared-ledgers.js'
import { Slices } from './slices.js'

/** The parts of a purser that exist before its ledger is open. */
export interface PurserParts {
  readonly settings: Settings
  readonly events: Emitter
  attachOutcome(target: object, outcome: Outcome): void
}

/** Opens the ledger, takes an identity on it, and starts to settle the payments that an earlier process left behind. */
export async function openPurser(parts: PurserParts): Promise<OpenPurser> {
  const { policy, openLedger, sharedLedger } = parts.settings
  await policy.ready()
  const ledger = await openLedger()
  const opened = new OpenPurser(parts, ledger, await ledger.id())
  // A ledger that was passed as an object is in use since its purser was made.
  if (sharedLedger === undefined) useLedger(ledger)
  void reportGap(ledger, parts.events)
  opened.start()
  return opened
}

/** A purser whose ledger is open. */
export class OpenPurser {
  readonly env: Env
  readonly lease: Lease
  /** The results of discoveries. */
  readonly catalog = new Catalog()
  readonly #tasks: BackgroundTasks
  readonly #recoveries: Recoveries
  readonly #reclaims: BackgroundReclaims

  constructor({ settings, events, attachOutcome }: PurserParts, ledger: Ledger, ledgerId: string) {
    const clock = checkedClock(settings.clock)
    const owner = randomId()
    const { policy, rates } = settings
    const lookAgain = async (): Promise<void> => {
      await this.#recoveries.byItself()
      await this.#reclaims.runDue()
    }
    this.lease = new Lease({ clock, owner, ledger, lookAgain })
    this.#tasks = new BackgroundTasks(() => this.lease.enter())
    this.#recoveries = new Recoveries(() => this.env, this.#tasks)
    this.#reclaims = new BackgroundReclaims(() => this.env, settings.agent, this.#tasks)
    const rooms = new RoomSearch(clock, (on, gained) => this.#recoveries.forRoom(on, gained))
    const slices = new Slices(processorTime)
    const alerts = new BudgetAlerts(settings.budgetAlerts, { ledger, emitter: events, symbol: policy.symbol })
    this.env = {
      ...settings,
      owner,
      ledger,
      ledgerId,
      clock,
      currencies: withRates(settings.currencies, rates, policy.unit),
      emitter: events,
      attachOutcome,
      liveCredentials: new LiveCredentials(),
      queues: new Queues(),
      schedule: new RecoverySchedule(),
      locks: new PaymentLocks(),
      usedApprovals: new Set(),
      yieldToEventLoop: () => slices.take(),
      newId: () => timeOrderedId(clock.now()),
      sleep,
      keepAlive: () => this.lease.keepAlive(),
      runInBackground: (work) => this.#tasks.run(work),
      budgetsUsed: (claims) => void alerts.committed(claims),
      makeRoom: (short, patienceMs) => rooms.makeRoom(short, patienceMs),
      scheduleRecheck: (at) => this.lease.lookAgain(at),
      advertised: (at, terms) => this.catalog.advertised(at, terms),
    }
  }

  /** Settles payments of an earlier process, while the first call runs. */
  start(): void {
    this.#recoveries.first()
  }

  /** Recovers on request, after a recovery that runs by itself: the payments of that one would be skipped. */
  async requestRecovery(which: DueQuery['which']): Promise<Recovery> {
    // A deposit that comes back first may be what a payment in doubt waits for.
    await this.#reclaims.runRequested()
    return this.#recoveries.asked(which)
  }

  async close(): Promise<void> {
    const { ledger, owner } = this.env
    this.#recoveries.close()
    this.#reclaims.close()
    await this.#tasks.close()
    this.lease.stop()
    await retire(ledger, owner)
    await leaveLedger(ledger)
  }
}

/** Reports that the ledger has forgotten payments, before the first payment is refused for it. */
async function reportGap(ledger: Ledger, emitter: Emitter): Promise<void> {
  try {
    const gap = (await ledger.gaps()).find(({ confirmed }) => confirmed === undefined)
    if (gap !== undefined) emitter.emit('error', { error: incomplete(gap), during: 'opening the ledger' })
  } catch {
    // A ledger that cannot be read refuses the first payment, and says why.
  }
}

/** Ends this owner's lease. A ledger that was closed before needs no notice. */
async function retire(ledger: Ledger, owner: string): Promise<void> {
  try {
    await ledger.retire(owner)
  } catch (error) {
    if (!isPaymentError(error, 'closed')) throw error
  }
}

/** Makes a UUID of version 7 (RFC 9562, section 5.7): payments of one time are neighbours in the ledger's index. */
export function timeOrderedId(now: Instant): string {
  const random = randomId()
  const time = Math.max(0, Math.trunc(now)).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${random.slice(15, 18)}-${random.slice(19)}`
}
