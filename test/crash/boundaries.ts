import type { Ledger, Wallet } from '../../src/index.js'

/** Counts the boundaries between the steps of a process. At the chosen one it is gone, and cleans up nothing. */
export class Boundaries {
  #passed = 0
  readonly #killAt: number
  readonly #reached: (name: string, step: number) => void

  /**
   * @param killAt The boundary to die at; 0: none.
   * @param reached Told of each before anything else. What it writes must be written when it returns.
   */
  constructor(killAt: number, reached: (name: string, step: number) => void = () => undefined) {
    this.#killAt = killAt
    this.#reached = reached
  }

  get passed(): number {
    return this.#passed
  }

  async between<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#boundary(`before ${name}`)
    const result = await work()
    this.#boundary(`after ${name}`)
    return result
  }

  /** What it writes down are steps. */
  ledger(ledger: Ledger): Ledger {
    const between = this.between.bind(this)
    return new Proxy(ledger, {
      get(target, name) {
        if (name === 'hold')
          return (...args: Parameters<Ledger['hold']>) => between('the hold', () => target.hold(...args))
        if (name === 'advance')
          return (...args: Parameters<Ledger['advance']>) =>
            between(`the step to ${args[1].to}`, () => target.advance(...args))
        if (name === 'ask')
          return (...args: Parameters<Ledger['ask']>) => between('the question', () => target.ask(...args))
        if (name === 'answer')
          return (...args: Parameters<Ledger['answer']>) =>
            between('the answer', () => target.answer(...args))
        if (name === 'putChannel')
          return (...args: Parameters<Ledger['putChannel']>) =>
            between('the channel', () => target.putChannel(...args))
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  /** What it prepares and hands out are steps. */
  wallet<W extends Wallet>(wallet: W): W {
    const between = this.between.bind(this)
    return {
      ...wallet,
      async prepare(...args) {
        const prepared = await between('signing', () => wallet.prepare(...args))
        return {
          ...prepared,
          complete: (deliver) => between('handing out', () => prepared.complete(deliver)),
        }
      },
    }
  }

  #boundary(name: string): void {
    const step = ++this.#passed
    this.#reached(name, step)
    if (step !== this.#killAt) return
    process.kill(process.pid, 'SIGKILL')
    for (;;);
  }
}
