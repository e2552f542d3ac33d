import type { Clock, Evidence, LaneGrant, Verdict } from '../../../src/ledger/index.js'
import { amount, CURRENCIES, type Instant } from '../../../src/money/index.js'
import type { CallPlan } from './plan.js'

const LIFE_MS = 15_000
/** From the end of a credential, or from a block, to a final block beyond it. */
const FINALITY_MS = 3_000
/** Units have nine decimals, the token six. */
const UNITS_PER_PART = 1_000n
const PARTS_PER_CENT = 10_000n

/** A credential as the model knows it: its purchase, its lane, and its expiry on the chain. */
export interface Issued {
  readonly id: string
  readonly call: number
  readonly plan: CallPlan
  readonly payment: string
  /** In smallest parts of the token. */
  readonly price: bigint
  readonly fee: bigint
  readonly place: LaneGrant | undefined
  readonly at: Instant
  readonly until: Instant
}

interface Included {
  readonly ok: boolean
  readonly at: Instant
}

/** The real state: signed credentials, used nonces, moved money and its cost. */
export class ModelChain {
  readonly issued = new Map<string, Issued>()
  readonly discarded = new Set<string>()
  readonly included = new Map<string, Included>()
  readonly #next = new Map<string, bigint>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  issue(credential: Omit<Issued, 'id' | 'fee' | 'at' | 'until'>): Issued {
    const { fee } = credential.plan
    const taken = fee === undefined ? 0n : (BigInt(fee.bound) * PARTS_PER_CENT * BigInt(fee.taken)) / 100n
    const at = this.#clock.now()
    const issued = { ...credential, id: `c${this.issued.size}`, fee: taken, at, until: at + LIFE_MS }
    this.issued.set(issued.id, issued)
    return issued
  }

  /**
   * Includes a credential that has not expired, and on a lane only its next nonce. True if money moved, now or before.
   */
  submit(id: string, fails = false): boolean {
    const done = this.included.get(id)
    if (done !== undefined) return done.ok
    const credential = this.issued.get(id)
    if (credential === undefined || this.#clock.now() > credential.until) return false
    const { place } = credential
    if (place !== undefined) {
      if (this.nonce(place.name) !== place.value) return false
      this.#next.set(place.name, place.value + 1n)
    }
    this.included.set(id, { ok: !fails, at: this.#clock.now() })
    return !fails
  }

  /** A copy of the state now, because calls under way change it while the ledger is read. */
  copy(): ModelChain {
    const copy = new ModelChain(this.#clock)
    for (const [id, issued] of this.issued) copy.issued.set(id, issued)
    for (const [id, included] of this.included) copy.included.set(id, included)
    for (const id of this.discarded) copy.discarded.add(id)
    return copy
  }

  nonce(lane: string): bigint {
    return this.#next.get(lane) ?? 0n
  }

  moved(id: string): boolean {
    return this.included.get(id)?.ok === true
  }

  /** The cost of a credential in units: its price if that moved, and its fee if it was included. */
  cost(id: string): bigint {
    const credential = this.issued.get(id)
    const included = this.included.get(id)
    if (credential === undefined || included === undefined) return 0n
    return (credential.fee + (included.ok ? credential.price : 0n)) * UNITS_PER_PART
  }

  /** The chain's own record of a credential. */
  inspect({ refs: [id = ''] }: Evidence): Verdict {
    const credential = this.issued.get(id)
    if (credential === undefined) return { state: 'unknown', reason: 'nobody signed it' }
    const { place, until, plan } = credential
    const included = this.included.get(id)
    const fee = plan.fee === undefined ? {} : { fee: amount(credential.fee, CURRENCIES.pathUSD) }
    const after = place === undefined ? {} : { lane: place.value + 1n }
    if (included?.ok) return { state: 'settled', reference: `tx-${id}`, ...fee, ...after }
    const final = this.#clock.now() - FINALITY_MS
    if (final < (included?.at ?? until))
      return { state: 'pending', recheckAt: (included?.at ?? until) + FINALITY_MS, reason: 'not final yet' }
    if (included !== undefined) return { state: 'void', reason: 'it failed', ...fee, ...after }
    const lane = place === undefined ? {} : { lane: this.nonce(place.name) }
    return { state: 'void', reason: 'it ran out', ...lane }
  }
}
