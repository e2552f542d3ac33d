import type { Channels } from '../ledger/index.js'
import { sleep } from '../util/timers.js'
import { type Call, checkIsOf, type Node, readBlock } from '../wallet/tempo/shared.js'
import { openCalls, topUpCalls } from './calls.js'
import { fateOf, type OnChain, readChannel, readClosed } from './chain.js'
import type { Pending } from './json.js'
import type { SessionChannel, SessionEvent } from './machine.js'
import type { SessionOffer } from './offer.js'
import type { SessionContext } from './options.js'

/** The least interval between searches for a pending deposit, in milliseconds. */
const PAUSE_MS = 500
/** The longest life of an opening transaction, in seconds. After it the channel exists, or never will. */
const OPENING_SECONDS = 60

/**
 * Checks whether a pending deposit has arrived, unless this process itself is bringing it, and not too often. If no
 * node answers, the channel stays unchanged.
 */
export async function settled(
  channel: SessionChannel,
  { context: { now, channels }, parts }: Pick<SessionOffer, 'context' | 'parts'>,
): Promise<SessionChannel> {
  const busyUntil = parts.busy.get(channel.lane)
  if (busyUntil !== undefined && now < busyUntil) return channel
  if (now - (parts.looked.get(channel.lane) ?? Number.NEGATIVE_INFINITY) < PAUSE_MS) return channel
  parts.looked.set(channel.lane, now)
  try {
    return (await reconcile(channel, channels, parts)).channel
  } catch {
    return channel
  }
}

/**
 * Reads a channel from the chain and applies the findings to it.
 *
 * @throws PaymentError `wallet_unavailable` if no node answers.
 */
export async function reconcile(
  known: SessionChannel,
  channels: Channels,
  parts: SessionContext,
): Promise<{ readonly channel: SessionChannel; readonly chain: OnChain }> {
  const channel = (await parts.book.current(known, channels)) ?? known
  const nodes = parts.config.nodes(channel.identity.chainId) ?? []
  const chain = await readChannel(nodes, channel.identity)
  const event = await eventOf(channel, chain, nodes)
  const after = event && (await parts.book.apply(channel, event, channels))
  return { channel: after ?? channel, chain }
}

async function eventOf(
  channel: SessionChannel,
  chain: OnChain,
  nodes: readonly Node[],
): Promise<SessionEvent | undefined> {
  if (channel.state === 'closed') return undefined
  if (chain.state === 'closed') return closedForGood(channel, nodes)
  if (chain.state === 'none') return goneOrNever(channel, nodes)
  const { deposit, closeRequestedAt } = chain
  const pending = channel.state === 'open' ? channel.pending : undefined
  if (pending !== undefined && channel.state === 'open' && deposit <= channel.deposit)
    return (await isDead(channel, { pending, calls: topUpCalls(channel.identity, pending.add) }, nodes))
      ? { kind: 'lapsed', seen: pending.seen }
      : undefined
  return { kind: 'found', deposit, closeRequestedAt }
}

/** A deposit counts as returned if every node that answers shows the channel as closed in a final block. */
async function closedForGood(
  { identity }: SessionChannel,
  nodes: readonly Node[],
): Promise<SessionEvent | undefined> {
  const views = await Promise.all(
    nodes
      .map(async (node) => {
        const final = await readBlock(node, 'finalized')
        return final && readChannel([node], identity, { blockHash: final.hash })
      })
      .map((view) => view.catch(() => undefined)),
  )
  const known = views.filter((view) => view !== undefined)
  const [first] = known
  if (first === undefined || known.some(({ state }) => state !== 'closed')) return undefined
  const captured = known.reduce((most, each) => (each.captured > most ? each.captured : most), first.captured)
  return { kind: 'closed', captured }
}

/** Every node that answers must agree that a transaction never takes effect: it expired, or it failed. */
async function isDead(
  { identity: { payer, chainId } }: SessionChannel,
  { pending, calls }: { readonly pending: Pending; readonly calls: readonly Call[] },
  nodes: readonly Node[],
): Promise<boolean> {
  const fateOn = async (node: Node): ReturnType<typeof fateOf> => {
    const fate = await fateOf(node, pending, { payer, calls })
    if (fate === 'void') await checkIsOf(chainId, node)
    return fate
  }
  const fates = await Promise.all(nodes.map((node) => fateOn(node).catch(() => undefined)))
  const known = fates.filter((fate) => fate !== undefined)
  return known.length > 0 && known.every((fate) => fate === 'void' || fate === 'failed')
}

/**
 * Handles a channel that the chain does not show: it was never opened, or the reserve has deleted it. The state of a
 * final block after the time of opening tells which.
 */
async function goneOrNever(
  channel: SessionChannel,
  nodes: readonly Node[],
): Promise<SessionEvent | undefined> {
  if (channel.state === 'opening') {
    const { identity, pending } = channel
    if (await isDead(channel, { pending, calls: openCalls(identity, pending.add) }, nodes))
      return { kind: 'lapsed', seen: pending.seen }
  }
  const ends = await Promise.all(nodes.map((node) => endOn(node, channel).catch(() => undefined)))
  const known = ends.filter((end) => end !== undefined)
  if (known.length === 0 || known.includes('unsure')) return undefined
  const captures = known.filter((end) => typeof end === 'bigint')
  const [first] = captures
  if (first === undefined) return { kind: 'closed' }
  return { kind: 'closed', captured: captures.reduce((most, each) => (each > most ? each : most), first) }
}

/**
 * Returns one node's view of a missing channel: the captured amount, or that it cannot be determined (yet or any more).
 */
async function endOn(
  node: Node,
  { identity, openedAt }: SessionChannel,
): Promise<bigint | 'unsure' | 'untold'> {
  const captured = await readClosed(node, identity, openedAt).catch(() => undefined)
  if (captured !== undefined) return captured
  const final = await readBlock(node, 'finalized')
  if (final === undefined || final.timestamp < openedAt + OPENING_SECONDS) return 'unsure'
  await checkIsOf(identity.chainId, node)
  return (await readChannel([node], identity, { blockHash: final.hash })).state === 'none'
    ? 'untold'
    : 'unsure'
}

/** Waits until a close is final, so that the outcome of every voucher can be determined. */
export async function awaitClosed(
  channel: SessionChannel,
  channels: Channels,
  parts: SessionContext,
): Promise<void> {
  const nodes = parts.config.nodes(channel.identity.chainId) ?? []
  for (let turn = 0; turn < CLOSING_TURNS; turn++) {
    const latest = await readChannel(nodes, channel.identity)
    if (latest.state !== 'open' && (await isFinal(channel, nodes))) {
      await reconcile(channel, channels, parts)
      return
    }
    await sleep(CLOSING_PAUSE_MS)
  }
}

async function isFinal({ identity }: SessionChannel, nodes: readonly Node[]): Promise<boolean> {
  for (const node of nodes) {
    const final = await readBlock(node, 'finalized').catch(() => undefined)
    if (final === undefined) continue
    const { state } = await readChannel([node], identity, { blockHash: final.hash })
    // A block before the opening shows nothing. The escrow of v1 keeps closed channels; v2's deletes them.
    return identity.protocol === 'v1' ? state === 'closed' : state !== 'open'
  }
  return false
}

const CLOSING_TURNS = 40
const CLOSING_PAUSE_MS = 250
