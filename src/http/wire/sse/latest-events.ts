import type { MeterEvent, Metered } from '../../../pay/index.js'

type PendingAction = (result: IteratorResult<MeterEvent, undefined>) => void

/**
 * The payment events of a stream, for one listener. Of unheard events only the latest of each kind is kept, so a
 * server cannot fill the memory.
 */
export class LatestEvents implements AsyncIterable<MeterEvent> {
  readonly end: Metered<unknown>['end']
  #end: (how: 'whole' | 'broken') => void = () => {}
  #ended = false
  #unheard: MeterEvent[] = []
  #waiting: PendingAction | undefined

  constructor() {
    this.end = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  tell(event: MeterEvent): void {
    if (this.#waiting) this.#answer({ done: false, value: event })
    else this.#unheard = [...this.#unheard.filter(({ kind }) => kind !== event.kind), event]
  }

  stop(how: 'whole' | 'broken'): void {
    this.#ended = true
    this.#end(how)
    this.#answer({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): AsyncIterator<MeterEvent, undefined> {
    return {
      next: () => {
        const event = this.#unheard.shift()
        if (event !== undefined) return Promise.resolve({ done: false, value: event })
        if (this.#ended) return Promise.resolve({ done: true, value: undefined })
        return new Promise((resolve) => {
          this.#waiting = resolve
        })
      },
    }
  }

  #answer(result: IteratorResult<MeterEvent, undefined>): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(result)
  }
}
