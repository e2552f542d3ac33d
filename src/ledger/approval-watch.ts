import { isPaymentError, PaymentError } from '../errors/index.js'
import { ONCE } from '../util/objects.js'
import type { Approval, ApprovalId } from './approval.js'

/** How often questions are read while a call waits for one of them. Other processes may have answered it. */
const POLL_MS = 250

interface Waiter {
  readonly id: ApprovalId
  readonly matches: (approval: Approval) => boolean
  readonly resolve: (approval: Approval | undefined) => void
  readonly reject: (error: unknown) => void
}

type ReadApprovals = (ids: readonly ApprovalId[]) => Promise<readonly (Approval | undefined)[]>

/** The calls that wait for answers. One timer reads for all of them, and only while there is one. */
export class ApprovalWatch {
  readonly #read: ReadApprovals
  readonly #waiters = new Set<Waiter>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #reading = false
  /** Whether a question changed while questions were read. */
  #again = false

  constructor(read: ReadApprovals) {
    this.#read = read
  }

  /** Waits until a question matches. */
  until(
    id: ApprovalId,
    matches: Waiter['matches'],
    signal: AbortSignal | undefined,
  ): Promise<Approval | undefined> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const leave = (): void => {
        this.#drop(waiter)
        reject(signal?.reason)
      }
      const done = (): void => signal?.removeEventListener('abort', leave)
      const waiter: Waiter = {
        id,
        matches,
        resolve: (approval) => {
          done()
          resolve(approval)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      }
      signal?.addEventListener('abort', leave, ONCE)
      this.#waiters.add(waiter)
      void this.#look()
    })
  }

  /** This ledger object has changed a question: its waiters see it at once. */
  changed(id: ApprovalId): void {
    for (const waiter of this.#waiters)
      if (waiter.id === id) {
        void this.#look()
        return
      }
  }

  /** Ends all waits, because the ledger is closed. */
  close(): void {
    for (const waiter of [...this.#waiters]) {
      this.#drop(waiter)
      waiter.reject(new PaymentError('closed', 'untouched', 'The ledger is closed'))
    }
  }

  #drop(waiter: Waiter): void {
    this.#waiters.delete(waiter)
    if (this.#waiters.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #look(): Promise<void> {
    this.#again = true
    if (this.#reading) return
    this.#reading = true
    clearTimeout(this.#timer)
    while (this.#again) {
      this.#again = false
      await this.#lookOnce()
    }
    this.#reading = false
    if (this.#waiters.size > 0) this.#timer = setTimeout(() => void this.#look(), POLL_MS)
  }

  async #lookOnce(): Promise<void> {
    const waiters = [...this.#waiters]
    try {
      const found = await this.#read([...new Set(waiters.map(({ id }) => id))])
      const byId = new Map(found.flatMap((approval) => (approval ? [[approval.id, approval] as const] : [])))
      for (const waiter of waiters) {
        const approval = byId.get(waiter.id)
        if (!this.#waiters.has(waiter) || (approval !== undefined && !waiter.matches(approval))) continue
        this.#drop(waiter)
        waiter.resolve(approval)
      }
    } catch (error) {
      // A busy ledger is read again at the next turn. The caller's deadline ends the wait.
      if (isPaymentError(error, 'ledger_busy')) return
      for (const waiter of waiters) {
        if (!this.#waiters.has(waiter)) continue
        this.#drop(waiter)
        waiter.reject(error)
      }
    }
  }
}
