import { isPaymentError, randomId } from '../errors/index.js'
import { type Clock, checkedClock, type DueQuery, incomplete, type Ledger } from '../ledger/index.js'
import { type Instant, withRates } from '../money/index.js'
import {
  ApprovalQueue,
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

/** A purser whose ledger is open. */
export interface Opened {
  readonly env: Env
  readonly ledger: Ledger
  readonly upkeep: Lease
  /** What discovery found. */
  readonly catalog: Catalog
  /** After one that runs by itself: what that is looking at would seem to be under work, and be passed over. */
  recover(which: DueQuery['which']): Promise<Recovery>
  close(): Promise<void>
}

/** What the opened purser tells its maker. */
export interface Hooks {
  readonly emitter: Emitter
  attach(target: object, outcome: Outcome): void
}

/** Opens the ledger, takes an identity on it, and settles what an earlier process left behind. */
export async function openPurser(settings: Settings, hooks: Hooks): Promise<Opened> {
  const { policy, openLedger } = settings
  const clock = checkedClock(settings.clock)
  await policy.ready()
  const ledger = await openLedger()
  const ledgerId = await ledger.id()
  const owner = randomId()
  const lookAgain = async (): Promise<void> => {
    await recoveries.byItself()
    await reclaims.runDue()
  }
  const upkeep: Lease = new Lease({ clock, owner, ledger, lookAgain })
  const beside = new BackgroundTasks(() => upkeep.enter())
  const catalog = new Catalog()
  const recoveries: Recoveries = new Recoveries(() => env, beside)
  const reclaims: BackgroundReclaims = new BackgroundReclaims(() => env, settings.agent, beside)
  const rooms = new RoomSearch(clock, (on, gained) => recoveries.forRoom(on, gained))
  const env: Env = environment(settings, hooks, {
    clock,
    ledger,
    ledgerId,
    owner,
    upkeep,
    beside,
    catalog,
    rooms,
  })
  // One that was handed in as an object is in use since its purser was made.
  if (settings.sharedLedger === undefined) useLedger(ledger)
  void tellGap(ledger, hooks)
  recoveries.first()
  return {
    env,
    ledger,
    upkeep,
    catalog,
    async recover(which) {
      // What comes back first may be what a doubt waits for.
      await reclaims.runRequested()
      return recoveries.asked(which)
    },
    async close() {
      recoveries.close()
      reclaims.close()
      await beside.close()
      upkeep.stop()
      await retire(ledger, owner)
      await leaveLedger(ledger)
    },
  }
}

/** Whoever listens hears that the ledger has forgotten something before the first payment is refused. */
async function tellGap(ledger: Ledger, { emitter }: Hooks): Promise<void> {
  try {
    const gap = (await ledger.gaps()).find(({ confirmed }) => confirmed === undefined)
    if (gap !== undefined) emitter.emit('error', { error: incomplete(gap), during: 'opening the ledger' })
  } catch {
    // A ledger that cannot be read refuses the first payment, and says why.
  }
}

/** A ledger that its owner closed first has nothing left to be told. */
async function retire(ledger: Ledger, owner: string): Promise<void> {
  try {
    await ledger.retire(owner)
  } catch (error) {
    if (!isPaymentError(error, 'closed')) throw error
  }
}

function environment(
  settings: Settings,
  hooks: Hooks,
  parts: {
    readonly clock: Clock
    readonly ledger: Ledger
    readonly ledgerId: string
    readonly owner: string
    readonly upkeep: Lease
    readonly beside: BackgroundTasks
    readonly catalog: Catalog
    readonly rooms: RoomSearch
  },
): Env {
  const { policy, wallets, currencies, rates, approver, prefer, doubtWindowMs, patienceMs } = settings
  const { clock, ledger, ledgerId, owner, upkeep, beside, catalog, rooms } = parts
  const slices = new Slices(processorTime)
  const { emitter } = hooks
  const alerts = new BudgetAlerts(settings.budgetAlerts, { ledger, emitter, symbol: policy.symbol })
  return {
    owner,
    policy,
    ledger,
    ledgerId,
    wallets,
    currencies: withRates(currencies, rates, policy.unit),
    clock,
    prefer,
    doubtWindowMs,
    patienceMs,
    emitter: hooks.emitter,
    attachOutcome: (target, outcome) => hooks.attach(target, outcome),
    liveCredentials: new LiveCredentials(),
    queues: new Queues(),
    schedule: new RecoverySchedule(),
    locks: new PaymentLocks(),
    questions: new ApprovalQueue(),
    yieldToEventLoop: () => slices.take(),
    newId: () => timeOrderedId(clock.now()),
    sleep,
    keepAlive: () => upkeep.keepAlive(),
    runInBackground: (work) => beside.run(work),
    budgetsUsed: (claims) => void alerts.committed(claims),
    makeRoom: (short, patienceMs) => rooms.makeRoom(short, patienceMs),
    scheduleRecheck: (at) => upkeep.lookAgain(at),
    advertised: (at, terms) => catalog.advertised(at, terms),
    ...(approver === undefined ? {} : { approver }),
  }
}

/** A UUID of version 7 (RFC 9562, section 5.7): payments of one time lie together in the ledger's index. */
export function timeOrderedId(now: Instant): string {
  const random = randomId()
  const time = Math.max(0, Math.trunc(now)).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${random.slice(15, 18)}-${random.slice(19)}`
}
