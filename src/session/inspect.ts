import type { Channels, Evidence, Verdict } from '../ledger/index.js'
import { type Amount, amount, type Instant } from '../money/index.js'
import { PROBLEMS } from '../protocol/index.js'
import type { InspectOptions } from '../wallet/index.js'
import {
  checkIsOf,
  FINALITY_MS,
  feeAmount,
  type Node,
  readBlock,
  readReceipt,
} from '../wallet/tempo/shared.js'
import { openCalls, requestCloseCalls, topUpCalls, withdrawCalls } from './calls.js'
import { fateOf, type OnChain, readChannel, readClosed } from './chain.js'
import { isPayment, readDetail, type Sending, type SessionDetail } from './evidence.js'
import { channelIdOf } from './identity.js'
import type { SessionContext } from './options.js'
import { reconcile } from './reconcile.js'

/**
 * Finds out what happened to a voucher, from the channel's state. It is settled to the extent that the payee's captures
 * cover it. It is void once the channel is closed without it. Until then it counts, because its holder may cash it at
 * any time.
 */
export async function inspectSession(
  evidence: Evidence,
  options: InspectOptions | undefined,
  parts: SessionContext,
): Promise<Verdict> {
  const detail = readDetail(evidence.detail)
  if (detail === undefined) return { state: 'unknown', reason: 'This evidence is not of a Tempo session' }
  const { lane, identity } = detail
  const nodes = parts.config.nodes(identity.chainId)
  if (nodes === undefined)
    return { state: 'unknown', reason: `This wallet has no node for eip155:${identity.chainId}` }
  // This inspection has waited for the answer long enough.
  parts.busy.delete(lane)
  // Trusted, because it costs the payer: the total was accepted before, and its value was used up.
  if (options?.problem?.type === PROBLEMS.sessionInsufficientBalance && isPayment(detail.form))
    return { state: 'settled', reference: channelIdOf(identity) }
  if (options !== undefined) await note(detail, options.channels, parts)
  const now = parts.config.now()
  const views = await Promise.all(nodes.map((node) => viewOf(node, detail, now).catch(() => undefined)))
  return combine(views.filter((view) => view !== undefined))
}

/** Stores the observed state of the channel. */
async function note({ lane, slot }: SessionDetail, channels: Channels, parts: SessionContext): Promise<void> {
  const channel = await parts.book.current({ lane, slot }, channels)
  if (channel === undefined || channel.state === 'closed') return
  try {
    await reconcile(channel, channels, parts)
  } catch {
    // No node answered; the verdict already says so.
  }
}

/**
 * Pure. If any node shows a full capture, it counts. That the amount was not captured, or not in full, needs all nodes
 * that answer; then the highest capture counts.
 */
export function combine(views: readonly Verdict[]): Verdict {
  const [first] = views
  if (first === undefined) return { state: 'unknown', reason: 'No node of the chain answered' }
  const settled = views.filter((view) => view.state === 'settled')
  const { fee: _, ...verdict } =
    settled.find((view) => view.amount === undefined) ??
    views.find(({ state }) => state === 'pending') ??
    views.find(({ state }) => state === 'unknown') ??
    settled.reduce<Verdict>(dearer, first)
  const fee = feeBy(views)
  return fee === undefined ? verdict : { ...verdict, fee }
}

function dearer(a: Verdict, b: Extract<Verdict, { state: 'settled' }>): Verdict {
  const taken = a.state === 'settled' ? (a.amount?.value ?? 0n) : -1n
  return (b.amount?.value ?? 0n) > taken ? b : a
}

/** Returns the fee that any node shows. That no fee was charged needs all nodes that answer. */
function feeBy(views: readonly Verdict[]): Amount | undefined {
  const fees = views.flatMap(({ fee }) => fee ?? [])
  return fees.find(({ value }) => value > 0n) ?? (fees.length === views.length ? fees[0] : undefined)
}

async function viewOf(node: Node, detail: SessionDetail, now: Instant): Promise<Verdict> {
  const latest = await readChannel([node], detail.identity)
  const view: View = { node, detail, latest, now }
  const verdict = isPayment(detail.form) ? await ofPayment(view) : await ofOperation(view)
  // The fee was charged for the transaction, even if the voucher is never cashed.
  const fee = await feeOf(node, detail)
  if (verdict.state === 'void' || fee?.value === 0n) await checkIsOf(detail.identity.chainId, node)
  return fee === undefined ? verdict : { ...verdict, fee }
}

const pending = (now: Instant, reason: string): Verdict => ({
  state: 'pending',
  recheckAt: now + FINALITY_MS,
  reason,
})

/** A channel as one node shows it now. */
interface View {
  readonly node: Node
  readonly detail: SessionDetail
  readonly latest: OnChain
  readonly now: Instant
}

async function ofPayment({ node, detail, latest, now }: View): Promise<Verdict> {
  const { total, identity } = detail
  const reference = channelIdOf(identity)
  if (latest.captured >= total) return { state: 'settled', reference }
  if (latest.state === 'open')
    return { state: 'unknown', reason: 'The channel is open: the holder of the voucher may still cash it' }
  const captured = await endOf(node, detail, latest)
  if (typeof captured === 'bigint') return shareOf(detail, captured)
  if (captured === 'young') return pending(now, 'The state of the channel is not final on the chain yet')
  if (detail.sending === undefined || detail.form !== 'open')
    return { state: 'unknown', reason: 'The channel is gone, and the node does not show how it ended' }
  switch (await fateOf(node, detail.sending, lookOf(detail, detail.sending))) {
    case 'void':
      return { state: 'void', reason: 'The channel was never opened' }
    case 'failed':
      return { state: 'void', reason: FAILED }
    case 'open':
      return pending(Math.max(now, detail.sending.validBefore * 1000), 'The channel can still be opened')
    case 'included':
      return {
        state: 'unknown',
        reason: 'The channel was opened, and the node does not show its outcome',
      }
  }
}

const FAILED = 'The transaction failed on the chain; only its fee was taken'

/** Describes the wallet's transaction in a block. */
function lookOf({ form, identity }: SessionDetail, { add, hash }: Sending): Parameters<typeof fateOf>[2] {
  const calls = {
    voucher: () => [],
    close: () => [],
    open: openCalls,
    topUp: topUpCalls,
    fund: topUpCalls,
    requestClose: requestCloseCalls,
    withdraw: withdrawCalls,
  }
  return { payer: identity.payer, calls: calls[form](identity, add), hash }
}

/** Returns the part of this payment below the channel's total captures. */
function shareOf({ total, price, currency, identity }: SessionDetail, captured: bigint): Verdict {
  const before = total - price
  if (captured <= before) return { state: 'void', reason: 'The channel was closed without this voucher' }
  const reference = channelIdOf(identity)
  if (captured >= total) return { state: 'settled', reference }
  return { state: 'settled', reference, amount: amount(captured - before, currency) }
}

/**
 * Returns the final capture of a closed channel, by a final block. `young`: the close is not final yet. Undefined if it
 * cannot be determined.
 */
async function endOf(
  node: Node,
  detail: SessionDetail,
  latest: OnChain,
): Promise<bigint | 'young' | undefined> {
  const final = await readBlock(node, 'finalized')
  if (final === undefined) return 'young'
  const then = await readChannel([node], detail.identity, { blockHash: final.hash })
  if (then.state === 'open') return 'young'
  if (latest.state === 'closed') return then.state === 'closed' ? then.captured : 'young'
  return detail.identity.protocol === 'v1' ? undefined : readClosed(node, detail.identity, detail.openedAt)
}

/** Evaluates an owner's operation. It moves only the deposit, which returns, so it was either carried out or not. */
async function ofOperation({ node, detail, latest, now }: View): Promise<Verdict> {
  const reference = detail.sending?.hash ?? channelIdOf(detail.identity)
  if (await isDone(node, detail, latest)) return { state: 'settled', reference }
  const { sending, agreedAt } = detail
  // Schedules the next check: the longer it has taken, the later.
  if (agreedAt !== undefined && latest.state === 'open')
    return pending(Math.max(now, 2 * now - agreedAt), 'The vendor has said that it closes the channel')
  // A vendor may carry out a requested close at any time; the payer has nothing at stake.
  if (sending === undefined) return { state: 'void', reason: 'The vendor has not closed the channel' }
  switch (await fateOf(node, sending, lookOf(detail, sending))) {
    case 'void':
      return { state: 'void', reason: 'It expired without being included' }
    case 'failed':
      return { state: 'void', reason: FAILED }
    case 'open':
      return pending(now, 'It can still be included')
    case 'included':
      return detail.form === 'fund'
        ? { state: 'settled', reference }
        : { state: 'void', reason: 'It was included, and changed nothing' }
  }
}

async function isDone(
  node: Node,
  { form, total, identity, openedAt }: SessionDetail,
  latest: OnChain,
): Promise<boolean> {
  switch (form) {
    case 'fund':
      return latest.state === 'open' && latest.deposit >= total
    case 'requestClose':
      return latest.closeRequestedAt > 0 || latest.state === 'closed'
    default:
      return (
        latest.state === 'closed' ||
        (latest.state === 'none' && (await readClosed(node, identity, openedAt)) !== undefined)
      )
  }
}

async function feeOf(node: Node, detail: SessionDetail): Promise<Amount | undefined> {
  const { sending } = detail
  if (sending?.hash === undefined || sending.feeCurrency === undefined) return undefined
  const receipt = await readReceipt(node, sending.hash)
  if (receipt !== undefined) return feeAmount(receipt.gasUsed, receipt.gasPrice, sending.feeCurrency)
  // A voucher can be cashed even if its top-up was never included. The top-up then cost nothing.
  const fate = await fateOf(node, sending, lookOf(detail, sending))
  return fate === 'void' ? amount(0n, sending.feeCurrency) : undefined
}
