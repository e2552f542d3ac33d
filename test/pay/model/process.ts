import type { Ledger, Payment } from '../../../src/ledger/index.js'
import type { Env } from '../../../src/pay/index.js'
import type { FakeWorld } from '../world.js'
import type { Limits } from './limits.js'

/** One process: a separate purser on the shared ledger. */
export interface Process {
  readonly owner: string
  readonly ledger: Ledger
  readonly limits: Limits
  /** The memory of the process, which it does not share. */
  readonly own: Pick<Env, 'liveCredentials' | 'queues' | 'schedule' | 'locks'>
  /** Steps that its ledger still takes before it ends. */
  steps: number
  dead: boolean
}

/** Called before a hold is made. The returned function is called after it. */
type Watch = () => Promise<(payment: Payment, limits: Limits) => Promise<void>>

/** Each hold is reported before the next one of any process is made, so that it is judged by its own policy. */
export class Holds {
  #last: Promise<unknown> = Promise.resolve()
  readonly #watch: Watch

  constructor(watch: Watch) {
    this.#watch = watch
  }

  take(ledger: Ledger, hold: Parameters<Ledger['hold']>[0], limits: Limits): ReturnType<Ledger['hold']> {
    const mine = this.#last.then(async () => {
      const judge = await this.#watch()
      const held = await ledger.hold(hold)
      if (held.ok) await judge(held.payment, limits)
      return held
    })
    this.#last = mine.catch(() => undefined)
    return mine
  }
}

export function startProcess(world: FakeWorld, limits: Limits, holds: Holds): Process {
  const { liveCredentials, queues, schedule, locks } = world.neighbour().env
  const process: Process = {
    owner: crypto.randomUUID(),
    limits,
    own: { liveCredentials, queues, schedule, locks },
    steps: Number.POSITIVE_INFINITY,
    dead: false,
    // A process that has ended never hears from its ledger again.
    ledger: new Proxy(world.env.ledger, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        const alive = (): boolean => {
          if (process.steps-- <= 0) process.dead = true
          return !process.dead
        }
        if (name === 'hold')
          return (hold: Parameters<Ledger['hold']>[0]) =>
            alive() ? holds.take(target, hold, limits) : silence()
        return (...given: unknown[]) => (alive() ? Reflect.apply(member, target, given) : silence())
      },
    }),
  }
  return process
}

/** The answers that a dead process gets: a promise and an iteration that never end. */
function silence(): Promise<never> & AsyncIterable<never> {
  const never = new Promise<never>(() => undefined)
  return Object.assign(never, { [Symbol.asyncIterator]: () => ({ next: () => never }) })
}
