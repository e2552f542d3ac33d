import { isPaymentError, PaymentError } from '../errors/index.js'
import { resourceAt } from '../http/index.js'
import type { Channel } from '../ledger/index.js'
import type { Instant } from '../money/index.js'
import { type Env, runOperation, settleClosedChannel } from '../pay/index.js'
import { own } from '../util/objects.js'
import { untilAborted } from '../util/until-aborted.js'
import type { ChannelOperation, ChannelView, ChannelWallet } from '../wallet/index.js'
import type { BackgroundTasks } from './background-tasks.js'
import { isChannelWallet } from './session.js'

/** The chain's clock decides when a deposit can be withdrawn. A moment later it agrees. */
const SLACK_MS = 5_000
/** The first pause after a failure. Each further pause is twice as long, up to the longest. */
const FIRST_PAUSE_MS = 60_000
const LONGEST_PAUSE_MS = 86_400_000
/** The number of paid transactions of one kind on one channel, if no node shows their effect. */
const MOST_PAID = 5

interface Pause {
  readonly until: Instant
  readonly ms: number
}

/** One channel to reclaim, with its tools. */
interface Work {
  readonly channel: Channel
  readonly wallet: ChannelWallet
  readonly env: Env
  readonly agent: string
  readonly closing: AbortSignal
  /** The number of paid transactions on this channel, by their kind. */
  readonly paid: Map<ChannelOperation['kind'], number>
}

/**
 * Reclaims the deposits of channels that their vendors have forgotten, without the vendor: by a forced close, and by
 * a withdrawal after the vendor's time to claim. Each step is an ordinary payment, so its fee needs room in the
 * budgets. No caller waits for it: a failure is an `error` event, and the step is tried again later. A paid step that
 * no node shows has failed too.
 */
export class Reclaims {
  readonly #pauses = new Map<string, Pause>()
  readonly #paid = new Map<string, Work['paid']>()
  #running: Promise<void> | undefined

  /** Runs on request: steps that failed before are tried at once. */
  async asked(env: Env, agent: string, closing: AbortSignal): Promise<void> {
    await this.#running
    this.#pauses.clear()
    await this.run(env, agent, closing)
  }

  /** Runs once at a time, because two runs would use the same lane. */
  run(env: Env, agent: string, closing: AbortSignal): Promise<void> {
    this.#running ??= this.#all(env, agent, closing).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #all(env: Env, agent: string, closing: AbortSignal): Promise<void> {
    for (const wallet of env.wallets) {
      if (!isChannelWallet(wallet) || wallet.isForgotten === undefined) continue
      for (const state of ['opening', 'closing'] as const)
        for (const channel of await env.ledger.channels({ wallet: wallet.id, state })) {
          if (closing.aborted) return
          if (!wallet.isForgotten(channel)) continue
          await this.#one({ channel, wallet, env, agent, closing, paid: this.#paidOn(channel) })
        }
    }
  }

  #paidOn({ lane }: Channel): Work['paid'] {
    const paid = this.#paid.get(lane) ?? new Map<ChannelOperation['kind'], number>()
    this.#paid.set(lane, paid)
    return paid
  }

  async #one(work: Work): Promise<void> {
    const { channel, env, closing } = work
    const { lane } = channel
    const before = this.#pauses.get(lane)
    if (before !== undefined && env.clock.now() < before.until) return
    try {
      const next = await untilAborted(advanced(work), closing)
      this.#pauses.delete(lane)
      if (next === undefined) this.#paid.delete(lane)
      else env.scheduleRecheck(next)
    } catch (error) {
      if (closing.aborted) return
      const ms = Math.min(before === undefined ? FIRST_PAUSE_MS : before.ms * 2, LONGEST_PAUSE_MS)
      const until = env.clock.now() + ms
      this.#pauses.set(lane, { until, ms })
      env.scheduleRecheck(until)
      env.emitter.emit('error', { error, during: 'fetching a deposit back' })
    }
  }
}

/** The reclaims of one purser. They run in the background, and only if a wallet has channels. */
export class BackgroundReclaims {
  readonly #env: () => Env
  readonly #agent: string
  readonly #tasks: BackgroundTasks
  readonly #reclaims = new Reclaims()
  #closed = false

  constructor(env: () => Env, agent: string, tasks: BackgroundTasks) {
    this.#env = env
    this.#agent = agent
    this.#tasks = tasks
  }

  /** Runs what is due. */
  runDue(): Promise<void> {
    return this.#run('run')
  }

  /** Runs on request: a step that failed a moment ago is tried again. */
  runRequested(): Promise<void> {
    return this.#run('asked')
  }

  /** From now on, no failure is reported. */
  close(): void {
    this.#closed = true
  }

  async #run(how: 'run' | 'asked'): Promise<void> {
    const env = this.#env()
    if (this.#closed || !env.wallets.some(isChannelWallet)) return
    try {
      await this.#tasks.run((closing) => this.#reclaims[how](env, this.#agent, closing))
    } catch (error) {
      if (!this.#closed) env.emitter.emit('error', { error, during: 'fetching a deposit back' })
    }
  }
}

/** Takes all steps that the chain allows now. Returns the time of the next one; undefined if nothing is left. */
async function advanced(work: Work): Promise<Instant | undefined> {
  const { env, wallet, closing } = work
  let { channel, view } = await look(work)
  for (const kind of ['requestClose', 'withdraw'] as const) {
    if (nextStep(channel, view, env.clock.now()) !== kind) continue
    await act({ kind }, { ...work, channel })
    ;({ channel, view } = await look(work))
    if (nextStep(channel, view, env.clock.now()) === kind) throw notShown(kind, channel)
  }
  closing.throwIfAborted()
  if (!view.closed) return (view.withdrawableAt ?? env.clock.now() + FIRST_PAUSE_MS) + SLACK_MS
  await settleClosedChannel(channel, wallet, env)
  return undefined
}

/** Returns the transaction that the chain needs next. */
function nextStep(
  { state }: Channel,
  { closed, withdrawableAt }: ChannelView,
  now: Instant,
): 'requestClose' | 'withdraw' | undefined {
  if (closed) return undefined
  if (withdrawableAt === undefined) return state === 'closing' ? 'requestClose' : undefined
  return withdrawableAt + SLACK_MS <= now ? 'withdraw' : undefined
}

function notShown(kind: ChannelOperation['kind'], { lane }: Channel): PaymentError {
  return new PaymentError(
    'wallet_unavailable',
    'untouched',
    `The transaction ${kind} of session ${lane} is paid for, and the node does not show what it did. Check the \`rpc\` option.`,
  )
}

/** Returns what the chain shows, and the channel after that. */
async function look({ channel, wallet, env }: Work): Promise<{ channel: Channel; view: ChannelView }> {
  const view = await wallet.inspectChannel(channel, env.ledger)
  if (view === undefined)
    throw new PaymentError(
      'wallet_unavailable',
      'untouched',
      'No node of the chain answered, so the deposit of a forgotten session waits. Check the `rpc` option.',
    )
  const all = await env.ledger.channels({ slot: channel.slot })
  return { channel: all.find(({ lane }) => lane === channel.lane) ?? channel, view }
}

async function act(act: ChannelOperation, work: Work): Promise<void> {
  const { channel, wallet, env, agent, closing, paid } = work
  const before = paid.get(act.kind) ?? 0
  if (before >= MOST_PAID)
    throw new PaymentError(
      'wallet_unavailable',
      'untouched',
      `Purser has paid ${before} times for the transaction ${act.kind} of session ${channel.lane}, and the node does not show ` +
        'what it did. It pays for no more of them. Check the `rpc` option, and then call `sessions.forceClose` with this id.',
    )
  const at = resourceAt(new URL(channel.address), 'POST')
  const deliver = (): Promise<never> =>
    Promise.reject(new PaymentError('wallet_failed', 'untouched', 'A forced close asks no vendor'))
  const call = own({ context: own({ agent, tasks: [] }), signal: closing })
  try {
    await runOperation({ wallet, channel, operation: act, at, deliver }, { call, env })
    paid.set(act.kind, before + 1)
  } catch (error) {
    // If the end of the transaction is unknown, its fee may be spent.
    if (!isPaymentError(error) || error.funds !== 'untouched') paid.set(act.kind, before + 1)
    throw error
  }
}
