import type { PaymentId } from '../ledger/index.js'
import type { Currency, Instant } from '../money/index.js'
import type { Challenge } from '../protocol/index.js'
import type { Hex } from '../wallet/tempo/index.js'
import type { Expiring } from './chain.js'
import type { Identity } from './identity.js'

/** A deposit on its way: what it adds, and by what its fate can be proven. */
export interface Pending extends Expiring {
  readonly add: bigint
  /** The payment that brings it, where that one has locked up nothing else here. */
  readonly payment?: PaymentId
}

interface Base {
  /** The lane its vouchers run on: its slot, and how many channels were there before it. */
  readonly lane: string
  readonly slot: string
  readonly wallet: string
  readonly vendor: string
  readonly address: string
  readonly identity: Identity
  readonly id: Hex
  readonly currency: Currency
  /** What was signed on it before the ledger knew of it, proven by our own signature. */
  readonly base: bigint
  /** The payments that locked up its deposit. */
  readonly funding: readonly PaymentId[]
  /** No block before this second holds anything of it. */
  readonly openedAt: number
  /** When the vendor said that it does not know the channel: nothing more is signed on it. */
  readonly forgottenAt?: Instant
  /** What its credentials answer where nothing newer is known: a top-up and a close need one. */
  readonly challenge: Challenge
}

export type Opening = Base & { readonly state: 'opening'; readonly pending: Pending }
export type Open = Base & { readonly state: 'open'; readonly deposit: bigint; readonly pending?: Pending }
/**
 * No voucher is signed any more. `since`: the chain was asked for a close then, in seconds. `agreed`: the vendor said that
 * it closes it, and the chain may take its time to show it.
 */
export type Closing = Base & {
  readonly state: 'closing'
  readonly deposit: bigint
  readonly since?: number
  readonly agreed?: true
}
/** The deposit has come back, or was never locked up. `captured`: what the payee took, where it is known. */
export type Closed = Base & { readonly state: 'closed'; readonly deposit: bigint; readonly captured?: bigint }

/** A channel of ours, as far as we know. */
export type SessionChannel = Opening | Open | Closing | Closed

/** What can happen to a channel. */
export type SessionEvent =
  /** The transaction that opens it is about to leave. */
  | { readonly kind: 'begun'; readonly channel: Opening }
  /** It was opened before, and the ledger did not know. */
  | { readonly kind: 'resumed'; readonly channel: Open }
  /** The server accepted a credential of ours. `added`: what came with it; `delivered`: what it says it has served so far. */
  | {
      readonly kind: 'accepted'
      readonly operation: string
      /** With its query: one path may have several prices. */
      readonly address: string
      readonly challenge: Challenge
      readonly added?: Pending
      readonly delivered?: bigint
    }
  /** The chain shows it open. */
  | { readonly kind: 'found'; readonly deposit: bigint; readonly closeRequestedAt: number }
  /** A top-up is about to leave. */
  | { readonly kind: 'funding'; readonly pending: Pending; readonly payment: PaymentId }
  /** The deposit on its way never arrives: it was proven, or it never left. */
  | { readonly kind: 'lapsed'; readonly seen: Hex }
  /** The vendor is about to be asked to close it. */
  | { readonly kind: 'leaving' }
  /** The vendor has said that it closes it. */
  | { readonly kind: 'agreed' }
  /** The vendor says that it does not know the channel. */
  | { readonly kind: 'forgotten'; readonly at: Instant }
  /** It is over. */
  | { readonly kind: 'closed'; readonly captured?: bigint }
  /** Our signature was found under a total higher than any that the ledger knows. */
  | { readonly kind: 'recalled'; readonly total: bigint }

/** What is to be done about it. */
export type SessionEffect =
  /** Durable, unless somebody was faster: then everything is decided anew. */
  | { readonly kind: 'store' }
  /** The challenge may be answered again, with the request itself. */
  | {
      readonly kind: 'remember'
      readonly operation: string
      readonly address: string
      readonly challenge: Challenge
      readonly delivered?: bigint
    }
  /** None of its challenges may be answered any more. */
  | { readonly kind: 'forget' }

export interface Reduced {
  readonly channel: SessionChannel | undefined
  readonly effects: readonly SessionEffect[]
}

const STORE: SessionEffect = { kind: 'store' }
const FORGET: SessionEffect = { kind: 'forget' }

/** The only place where the state of a channel changes. Pure. */
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
  const told = delivered === undefined ? {} : { delivered }
  const remember: SessionEffect = { kind: 'remember', operation, address, challenge, ...told }
  if (channel.state === 'closing') return unchanged(channel)
  const arrived = channel.pending !== undefined && channel.pending.seen === added?.seen
  if (!arrived) return { channel, effects: channel.state === 'open' ? [remember] : [] }
  const before = channel.state === 'open' ? channel.deposit : 0n
  // A vendor that takes an opening after all knows the channel again.
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

/** An opening may still be included: the chain has to show that before its deposit can be fetched back. */
function forgotten(channel: Living, at: Instant): Reduced {
  if (channel.forgottenAt !== undefined) return unchanged(channel)
  if (channel.state !== 'open') return { channel: { ...channel, forgottenAt: at }, effects: [STORE, FORGET] }
  const { channel: closing, effects } = leave(channel)
  return { channel: closing && { ...closing, forgottenAt: at }, effects }
}

function agreed(channel: Living): Reduced {
  if (channel.state === 'opening' || (channel.state === 'closing' && channel.agreed))
    return unchanged(channel)
  // Another process may have found it open in between.
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
  // More than was known is what was on its way.
  const { pending, ...rest } = channel
  const late = pending !== undefined && deposit < channel.deposit + pending.add
  return { channel: { ...rest, deposit, ...(late ? { pending } : {}) }, effects: [STORE] }
}

/** Its deposit is there; vouchers are signed on it no more. */
function foundForgotten(channel: Living, deposit: bigint): Reduced {
  if (channel.state === 'closing' && channel.deposit === deposit) return unchanged(channel)
  return { channel: { ...base(channel), state: 'closing', deposit }, effects: [STORE, FORGET] }
}

function funding(channel: Living, { pending, payment }: EventOf<'funding'>): Reduced {
  // The payment counts as one of those behind the deposit from now on, until it is proven that it never will be.
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
  // What it would have locked up is exposure no more.
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

/** What states add to what every channel has. */
type Additions = Omit<Open, 'state'> & Omit<Closing, 'state'> & Omit<Closed, 'state'> & { state: string }

function base(channel: Base & Partial<Additions>): Base {
  const { state: _, deposit: _d, pending: _p, since: _s, agreed: _a, captured: _c, ...rest } = channel
  return rest
}

function unchanged(channel: SessionChannel | undefined): Reduced {
  return { channel, effects: [] }
}
