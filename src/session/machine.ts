import type { PaymentId } from '../ledger/index.js'
import type { Currency, Instant } from '../money/index.js'
import type { Challenge } from '../protocol/index.js'
import type { Hex } from '../wallet/tempo/index.js'
import type { Identity } from './identity.js'
import type { Pending } from './json.js'

interface Base {
  /** The lane of its vouchers: the slot, and the number of earlier channels in it. */
  readonly lane: string
  readonly slot: string
  readonly wallet: string
  readonly vendor: string
  readonly address: string
  readonly identity: Identity
  readonly id: Hex
  readonly currency: Currency
  /** The total that was signed before the ledger knew the channel, proven by the payer's own signature. */
  readonly base: bigint
  /** The payments that locked its deposit. */
  readonly funding: readonly PaymentId[]
  /** No block before this second contains anything of the channel. */
  readonly openedAt: number
  /** The time at which the vendor said that it does not know the channel. Nothing more is signed on it. */
  readonly forgottenAt?: Instant
  /** The challenge that its credentials answer if there is no newer one. A top-up and a close need one. */
  readonly challenge: Challenge
}

export type Opening = Base & { readonly state: 'opening'; readonly pending: Pending }
export type Open = Base & { readonly state: 'open'; readonly deposit: bigint; readonly pending?: Pending }
/**
 * No more vouchers are signed. `since`: the time of the close request on the chain, in seconds. `agreed`: the vendor
 * agreed to close, and the chain may show it later.
 */
export type Closing = Base & {
  readonly state: 'closing'
  readonly deposit: bigint
  readonly since?: number
  readonly agreed?: true
}
/** The deposit was returned, or was never locked. `captured`: the amount that the payee took, if known. */
export type Closed = Base & { readonly state: 'closed'; readonly deposit: bigint; readonly captured?: bigint }

/** A channel of this payer, as stored. */
export type SessionChannel = Opening | Open | Closing | Closed

/** The events of a channel. */
export type SessionEvent =
  /** The opening transaction is about to be sent. */
  | { readonly kind: 'begun'; readonly channel: Opening }
  /** A channel that was opened earlier was found, unknown to the ledger. */
  | { readonly kind: 'resumed'; readonly channel: Open }
  /**
   * The server accepted a credential. `added`: the deposit that came with it; `delivered`: the total that the server
   * says it has delivered for.
   */
  | {
      readonly kind: 'accepted'
      readonly operation: string
      /** With its query: one path may have several prices. */
      readonly address: string
      readonly challenge: Challenge
      readonly added?: Pending
      readonly delivered?: bigint
    }
  /** The chain shows it as open. */
  | { readonly kind: 'found'; readonly deposit: bigint; readonly closeRequestedAt: number }
  /** A top-up is about to be sent. */
  | { readonly kind: 'funding'; readonly pending: Pending; readonly payment: PaymentId }
  /** The pending deposit never arrives: that was proven, or it was never sent. */
  | { readonly kind: 'lapsed'; readonly seen: Hex }
  /** The vendor is about to be asked to close it. */
  | { readonly kind: 'leaving' }
  /** The vendor agreed to close it. */
  | { readonly kind: 'agreed' }
  /** The vendor says that it does not know the channel. */
  | { readonly kind: 'forgotten'; readonly at: Instant }
  /** The channel is closed. */
  | { readonly kind: 'closed'; readonly captured?: bigint }
  /** The payer's signature was found on a higher total than the ledger knows. */
  | { readonly kind: 'recalled'; readonly total: bigint }

/** The effects of an event. */
export type SessionEffect =
  /** Store the record durably. If another process was faster, everything is decided again. */
  | { readonly kind: 'store' }
  /** The challenge may be answered again with the first request. */
  | {
      readonly kind: 'remember'
      readonly operation: string
      readonly address: string
      readonly challenge: Challenge
      readonly delivered?: bigint
    }
  /** None of its challenges may be answered again. */
  | { readonly kind: 'forget' }

export interface Reduced {
  readonly channel: SessionChannel | undefined
  readonly effects: readonly SessionEffect[]
}

const STORE: SessionEffect = { kind: 'store' }
const FORGET: SessionEffect = { kind: 'forget' }

/** Applies an event to a channel. The state of a channel changes only here. Pure. */
export function reduce(channel: SessionChannel | undefined, event: SessionEvent): Reduced {
  if (event.kind === 'begun' || event.kind === 'resumed')
    return channel === undefined ? { channel: event.channel, effects: [STORE] } : unchanged(channel)
  if (channel === undefined || channel.state === 'closed') return unchanged(channel)
  switch (event.kind) {
    case 'accepted':
      return accepted(channel, event)
    case 'found':
      return found(channel, event)
    case 'funding':
      return funding(channel, event)
    case 'lapsed':
      return lapsed(channel, event)
    case 'leaving':
      return channel.state === 'open' ? leave(channel) : unchanged(channel)
    case 'agreed':
      return agreed(channel)
    case 'forgotten':
      return forgotten(channel, event.at)
    case 'closed':
      return closed(channel, event.captured)
    case 'recalled':
      return event.total > channel.base
        ? { channel: { ...channel, base: event.total }, effects: [STORE] }
        : unchanged(channel)
  }
}

type EventOf<Kind extends SessionEvent['kind']> = Extract<SessionEvent, { kind: Kind }>
type Living = Exclude<SessionChannel, Closed>

function accepted(channel: Living, event: EventOf<'accepted'>): Reduced {
  const { operation, address, challenge, added, delivered } = event
  const reported = delivered === undefined ? {} : { delivered }
  const remember: SessionEffect = { kind: 'remember', operation, address, challenge, ...reported }
  if (channel.state === 'closing') return unchanged(channel)
  const arrived = channel.pending !== undefined && channel.pending.seen === added?.seen
  if (!arrived) return { channel, effects: channel.state === 'open' ? [remember] : [] }
  const before = channel.state === 'open' ? channel.deposit : 0n
  // A vendor that accepts an opening later knows the channel again.
  const { forgottenAt: _, ...known } = base(channel)
  return {
    channel: { ...known, state: 'open', deposit: before + added.add },
    effects: [STORE, remember],
  }
}

function leave(channel: Open): Reduced {
  const closing: Closing = { ...base(channel), state: 'closing', deposit: channel.deposit }
  return { channel: closing, effects: [STORE, FORGET] }
}

/**
 * Marks a channel as forgotten. Its opening may still be included; the chain must show that before the deposit can be
 * reclaimed.
 */
function forgotten(channel: Living, at: Instant): Reduced {
  if (channel.forgottenAt !== undefined) return unchanged(channel)
  if (channel.state !== 'open') return { channel: { ...channel, forgottenAt: at }, effects: [STORE, FORGET] }
  const { channel: closing, effects } = leave(channel)
  return { channel: closing && { ...closing, forgottenAt: at }, effects }
}

function agreed(channel: Living): Reduced {
  if (channel.state === 'opening' || (channel.state === 'closing' && channel.agreed))
    return unchanged(channel)
  // Another process may have found it open meanwhile.
  const closing = channel.state === 'closing' ? channel : { ...base(channel), deposit: channel.deposit }
  return { channel: { ...closing, state: 'closing', agreed: true }, effects: [STORE, FORGET] }
}

function found(channel: Living, { deposit, closeRequestedAt }: EventOf<'found'>): Reduced {
  const promised = channel.state === 'closing' && channel.agreed === true
  if (closeRequestedAt > 0) {
    if (channel.state === 'closing' && channel.since === closeRequestedAt && channel.deposit === deposit)
      return unchanged(channel)
    const asked = { ...base(channel), deposit, since: closeRequestedAt }
    const closing: Closing = { ...asked, state: 'closing', ...(promised ? { agreed: true } : {}) }
    return { channel: closing, effects: [STORE, FORGET] }
  }
  if (promised) return unchanged(channel)
  if (channel.forgottenAt !== undefined) return foundForgotten(channel, deposit)
  if (channel.state !== 'open')
    return { channel: { ...base(channel), state: 'open', deposit }, effects: [STORE] }
  if (channel.deposit === deposit) return unchanged(channel)
  // If the deposit is larger than known, the pending one has arrived.
  const { pending, ...rest } = channel
  const late = pending !== undefined && deposit < channel.deposit + pending.add
  return { channel: { ...rest, deposit, ...(late ? { pending } : {}) }, effects: [STORE] }
}

/** Handles a forgotten channel with a deposit on the chain: no more vouchers are signed on it. */
function foundForgotten(channel: Living, deposit: bigint): Reduced {
  if (channel.state === 'closing' && channel.deposit === deposit) return unchanged(channel)
  return { channel: { ...base(channel), state: 'closing', deposit }, effects: [STORE, FORGET] }
}

function funding(channel: Living, { pending, payment }: EventOf<'funding'>): Reduced {
  // From now on the payment is one of those behind the deposit, until it is proven to have failed.
  const known = channel.funding.includes(payment)
  const funding = known ? channel.funding : [...channel.funding, payment]
  if (channel.state === 'opening') return unchanged(channel)
  if (channel.state === 'closing') return { channel: { ...channel, funding }, effects: [STORE] }
  const brought = known ? pending : { ...pending, payment }
  return { channel: { ...channel, funding, pending: brought }, effects: [STORE] }
}

function lapsed(channel: Living, { seen }: EventOf<'lapsed'>): Reduced {
  if (channel.state === 'closing' || channel.pending?.seen !== seen) return unchanged(channel)
  if (channel.state === 'opening') return closed(channel, 0n)
  const { pending, ...rest } = channel
  // The amount that it would have locked is released.
  const funding = rest.funding.filter((id) => id !== pending.payment)
  return { channel: { ...rest, funding }, effects: [STORE] }
}

function closed(channel: Living, captured: bigint | undefined): Reduced {
  const deposit = channel.state === 'opening' ? 0n : channel.deposit
  return {
    channel: { ...base(channel), state: 'closed', deposit, ...(captured === undefined ? {} : { captured }) },
    effects: [STORE, FORGET],
  }
}

/** The fields that the states add to the common ones. */
type Additions = Omit<Open, 'state'> & Omit<Closing, 'state'> & Omit<Closed, 'state'> & { state: string }

function base(channel: Base & Partial<Additions>): Base {
  const { state: _, deposit: _d, pending: _p, since: _s, agreed: _a, captured: _c, ...rest } = channel
  return rest
}

function unchanged(channel: SessionChannel | undefined): Reduced {
  return { channel, effects: [] }
}
