import type { Env } from '../pay/index.js'
import { lazy } from '../util/lazy.js'
import type { BackgroundTasks } from './background-tasks.js'
import { isChannelWallet } from './channel-wallets.js'

/** What a purser fetches back by itself. The work is loaded only if a wallet has channels. */
export class Deposits {
  readonly #env: () => Env
  readonly #agent: string
  readonly #beside: BackgroundTasks
  readonly #reclaims = lazy(async () => new (await import('./reclaim.js')).Reclaims())
  #closed = false

  constructor(env: () => Env, agent: string, beside: BackgroundTasks) {
    this.#env = env
    this.#agent = agent
    this.#beside = beside
  }

  /** Something fell due. */
  byItself(): Promise<void> {
    return this.#quietly('run')
  }

  /** Somebody asked for it: what failed a moment ago is tried again. */
  asked(): Promise<void> {
    return this.#quietly('asked')
  }

  /** From now on, that work fails is no news. */
  close(): void {
    this.#closed = true
  }

  async #quietly(how: 'run' | 'asked'): Promise<void> {
    const env = this.#env()
    if (this.#closed || !env.wallets.some(isChannelWallet)) return
    try {
      await this.#beside.run(async (closing) => (await this.#reclaims())[how](env, this.#agent, closing))
    } catch (error) {
      if (!this.#closed) env.emitter.emit('error', { error, during: 'fetching a deposit back' })
    }
  }
}
