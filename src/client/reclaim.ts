import { own, PaymentError } from '../errors/index.js'
import { resourceAt } from '../fetch/index.js'
import type { Channel } from '../ledger/index.js'
import type { Instant } from '../money/index.js'
import { carryOut, type Env, settleAccounts } from '../pay/index.js'
import { untilAborted } from '../pay/until-aborted.js'
import type { ChannelOperation, ChannelView, ChannelWallet } from '../wallet/index.js'
import { isChannelWallet } from './channel-wallets.js'

/** The chain's clock decides when a deposit can be withdrawn: a moment later it agrees that the time has come. */
const SLACK_MS = 5_000
/** The first pause after a failure; each further one takes twice as long, up to the longest. */
const FIRST_PAUSE_MS = 60_000
const LONGEST_PAUSE_MS = 86_400_000

interface Pause {
  readonly until: Instant
  readonly ms: number
}

/** A channel that is looked after, and what it takes. */
interface Work {
  readonly channel: Channel
  readonly wallet: ChannelWallet
  readonly env: Env
  readonly agent: string
  readonly closing: AbortSignal
}

/**
 * Fetches back the deposits of channels that their vendors do not know any more, without the vendor: a forced close, and
 * after the vendor's time to claim the withdrawal. Each step goes the way of every payment, so its fee needs room in the
 * budgets. Nobody waits for it: what fails is an `error` event, and is tried again later.
 */
export class Reclaims {
  readonly #pauses = new Map<string, Pause>()
  #running: Promise<void> | undefined

  /** Somebody asked for it: what failed before is tried at once. */
  async asked(env: Env, agent: string, closing: AbortSignal): Promise<void> {
    await this.#running
    this.#pauses.clear()
    await this.run(env, agent, closing)
  }

  /** One at a time: two would only meet on the same lane. */
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
          if (wallet.isForgotten(channel)) await this.#one({ channel, wallet, env, agent, closing })
        }
    }
  }

  async #one(work: Work): Promise<void> {
    const { channel, env, closing } = work
    const { lane } = channel
    const before = this.#pauses.get(lane)
    if (before !== undefined && env.clock.now() < before.until) return
    try {
      const next = await untilAborted(advanced(work), closing)
      this.#pauses.delete(lane)
      if (next !== undefined) env.scheduleRecheck(next)
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

/** Goes as far as the chain allows now. When there is more to do; undefined if nothing is left. */
async function advanced(work: Work): Promise<Instant | undefined> {
  const { env, wallet, closing } = work
  let { channel, view } = await look(work)
  if (!view.closed && view.withdrawableAt === undefined && channel.state === 'closing') {
    await act({ kind: 'requestClose' }, { ...work, channel })
    ;({ channel, view } = await look(work))
  }
  if (isDue(view, env.clock.now())) {
    await act({ kind: 'withdraw' }, { ...work, channel })
    ;({ channel, view } = await look(work))
  }
  closing.throwIfAborted()
  if (!view.closed) return (view.withdrawableAt ?? env.clock.now() + FIRST_PAUSE_MS) + SLACK_MS
  await settleAccounts(channel, wallet, env)
  return undefined
}

function isDue({ closed, withdrawableAt }: ChannelView, now: Instant): boolean {
  return !closed && withdrawableAt !== undefined && withdrawableAt + SLACK_MS <= now
}

/** What the chain shows, and the channel as that left it. */
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

async function act(act: ChannelOperation, { channel, wallet, env, agent, closing }: Work): Promise<void> {
  const at = resourceAt(new URL(channel.address), 'POST')
  const deliver = (): Promise<never> =>
    Promise.reject(new PaymentError('wallet_failed', 'untouched', 'A forced close asks no vendor'))
  await carryOut(
    { wallet, channel, act, at, deliver },
    own({ context: own({ agent, tasks: [] }), signal: closing }),
    env,
  )
}
