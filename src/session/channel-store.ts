import { PaymentError } from '../errors/index.js'
import type { Channels } from '../ledger/index.js'
import type { Instant } from '../money/index.js'
import type { Challenge, Resource } from '../protocol/index.js'
import { readSession } from './challenge.js'
import { reduce, type SessionChannel, type SessionEffect, type SessionEvent } from './machine.js'
import { readRecord, recordOf } from './record.js'

/**
 * The least remaining life of a remembered challenge in milliseconds; otherwise it could expire on its way to the
 * server.
 */
const LEAST_LIFE_MS = 5_000
/** The limit of remembered challenges. */
const MOST = 1_000
/** The limit of attempts at a write that other processes overtake. Each time another process made progress. */
const TURNS = 16

interface Standing {
  readonly lane: string
  readonly challenge: Challenge
  /** The URL of the answered request, with its query. */
  readonly address: string
  /** True if another query of the same path had the same price. Then the price is used for the whole path. */
  readonly even: boolean
}

type EffectOf<Kind extends SessionEffect['kind']> = Extract<SessionEffect, { kind: Kind }>

function priceOf(challenge: Challenge): bigint | undefined {
  const session = readSession(challenge)
  return 'unpayable' in session ? undefined : session.price
}

/** Returns the key of an operation. A remembered challenge is valid for exactly one operation. */
export function operationOf({ transport, vendor, operation }: Resource): string {
  return JSON.stringify([transport, vendor, operation])
}

/** Carries out effects: stores the records of channels and the remembered challenges. */
export class ChannelStore {
  readonly #varying = new Set<string>()
  readonly #standing = new Map<string, Standing>()
  /**
   * The delivered totals that vendors reported last, by lane. They are claims, used to ask a vendor to accept that
   * total at a close.
   */
  readonly #delivered = new Map<string, bigint>()

  /** Applies an event to a channel. Undefined if there is no such channel. */
  async apply(
    { lane, slot }: Pick<SessionChannel, 'lane' | 'slot'>,
    event: SessionEvent,
    channels: Channels,
  ): Promise<SessionChannel | undefined> {
    for (let turn = 0; turn < TURNS; turn++) {
      const record = (await channels.channels({ slot })).find((each) => each.lane === lane)
      const before = record && readRecord(record)
      if (record !== undefined && before === undefined)
        throw new PaymentError('ledger_corrupt', 'held', 'The ledger has this session in an unknown form')
      const { channel, effects } = reduce(before, event)
      if (channel === undefined) return undefined
      const rev = record?.rev ?? 0
      if (await this.#apply(effects, { channel, rev }, channels)) return channel
    }
    throw new PaymentError('ledger_busy', 'held', 'Other processes kept changing the channel')
  }

  /** Returns the current state of the channel. */
  async current(
    { lane, slot }: Pick<SessionChannel, 'lane' | 'slot'>,
    channels: Channels,
  ): Promise<SessionChannel | undefined> {
    const record = (await channels.channels({ slot })).find((each) => each.lane === lane)
    return record && readRecord(record)
  }

  /** Returns false if another process was faster and nothing was written. */
  async #apply(
    effects: readonly SessionEffect[],
    { channel, rev }: { readonly channel: SessionChannel; readonly rev: number },
    channels: Channels,
  ): Promise<boolean> {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'store':
          if (!(await channels.putChannel(recordOf(channel, rev)))) return false
          break
        case 'remember':
          this.#remember(effect, channel.lane)
          if (effect.delivered !== undefined) this.#delivered.set(channel.lane, effect.delivered)
          break
        case 'forget':
          this.#forget(channel.lane)
          break
      }
    }
    return true
  }

  /** Returns the challenge that may be answered with the first request. */
  standing(resource: Resource, now: Instant): Challenge | undefined {
    const operation = operationOf(resource)
    const standing = this.#standing.get(operation)
    if (standing === undefined) return undefined
    if (!standing.even && standing.address !== resource.address) return undefined
    const { expires } = standing.challenge
    if (expires === undefined || expires >= now + LEAST_LIFE_MS) return standing.challenge
    this.#standing.delete(operation)
    return undefined
  }

  /** Forgets the challenge after a rejection or a price change: the next call asks first. */
  drop(resource: Resource): void {
    this.#standing.delete(operationOf(resource))
  }

  /** Forgets the challenge of a path with several prices, because the price of the next query is unknown. */
  varies(resource: Resource): void {
    this.#vary(operationOf(resource))
  }

  delivered(lane: string): bigint | undefined {
    return this.#delivered.get(lane)
  }

  #vary(operation: string): void {
    this.#standing.delete(operation)
    if (this.#varying.size >= MOST) this.#varying.clear()
    this.#varying.add(operation)
  }

  #remember({ operation, address, challenge }: EffectOf<'remember'>, lane: string): void {
    const before = this.#standing.get(operation)
    this.#standing.delete(operation)
    if (this.#varying.has(operation)) return
    const same = before === undefined || priceOf(before.challenge) === priceOf(challenge)
    const elsewhere = before !== undefined && before.address !== address
    if (elsewhere && !same) {
      this.#vary(operation)
      return
    }
    const even = same && (elsewhere || before?.even === true)
    this.#standing.set(operation, { lane, challenge, address, even })
    const [oldest] = this.#standing.keys()
    if (this.#standing.size > MOST && oldest !== undefined) this.#standing.delete(oldest)
  }

  #forget(lane: string): void {
    for (const [operation, standing] of this.#standing)
      if (standing.lane === lane) this.#standing.delete(operation)
  }
}
