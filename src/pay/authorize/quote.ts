import { isPaymentError } from '../../errors/index.js'
import type { Room } from '../../ledger/index.js'
import { asJson } from '../../money/index.js'
import type { Decision, Terms } from '../../policy/index.js'
import type { ReplyInfo } from '../../protocol/index.js'
import { own } from '../../util/objects.js'
import { untilAborted } from '../../util/until-aborted.js'
import type { Call, Env } from '../env.js'
import type { Exchange } from '../exchange.js'
import { noWallet } from '../not-paid.js'
import { contextOf, evaluateSource } from './candidates.js'
import { fingerprintOf } from './fingerprint.js'

/** One way to pay for a call, and what policy says to it. */
export interface QuotedOffer {
  readonly terms: Terms
  readonly decision: Pick<Decision, 'effect' | 'reasons'>
  /** The counters it would have to fit into, as they stand. */
  readonly room: readonly Room[]
  /** Does every counter have room for it now? */
  readonly fits: boolean
}

/** What a call would cost. Nothing was signed and nothing is held, so that all of it may have changed by the time of paying. */
export interface Quoted<Reply> {
  /** What the unpaid request was answered with: a free call has then been made. */
  readonly reply: Reply
  /** Best first. Empty: nothing has to be paid, or nothing can be. */
  readonly offers: readonly QuotedOffer[]
  /** Why offers cannot be paid: one that no wallet here pays, one that cannot be read, or none at all in a 402. */
  readonly unpayable: readonly string[]
}

/** What would this call cost, and what would policy say? Sends the request unpaid; signs nothing. */
export async function quote<Reply extends object>(
  exchange: Exchange<Reply>,
  call: Call,
  environment: () => Promise<Env>,
): Promise<Quoted<Reply>> {
  const reply = await exchange.send(own(call.signal ? { signal: call.signal } : {}))
  if (!exchange.mayRequirePayment(reply)) return { reply, offers: [], unpayable: [] }
  const reading = await exchange.read(reply)
  if (reading.kind !== 'payment-required') return { reply, offers: [], unpayable: [] }
  const { reasons = [] } = reading
  const judged = await untilAborted(appraised(reading, exchange, call, environment), call.signal)
  return { reply, ...judged, unpayable: [...judged.unpayable, ...reasons.map(({ message }) => message)] }
}

async function appraised(
  { offers: asked, at }: Extract<ReplyInfo, { kind: 'payment-required' }>,
  exchange: Pick<Exchange<unknown>, 'fingerprint'>,
  call: Call,
  environment: () => Promise<Env>,
): Promise<Omit<Quoted<unknown>, 'reply'>> {
  const env = await environment()
  const purchase =
    env.policy.repeatWithin(at, contextOf(call)) === undefined ? undefined : await purchaseOf(exchange, call)
  const { ranked, unpayable } = await evaluateSource({ kind: 'offers', offers: asked }, at, call, env, {
    purchase,
  })
  const offers = await Promise.all(
    ranked.map(async ({ quote: { terms }, decision }) => {
      const room = (await env.ledger.room(decision.claims)).map(readable)
      const fits = room.every(({ remaining, claim }) => claim.amount <= remaining)
      return { terms, decision: { effect: decision.effect, reasons: decision.reasons }, room, fits }
    }),
  )
  const missing = noWallet(asked, env.wallets)
  const none = missing === undefined ? [] : [missing.message]
  return { offers, unpayable: [...unpayable.map((one) => one.unpayable), ...none] }
}

/** Undefined if the request cannot be sent again: then it cannot be bought at all. */
async function purchaseOf(
  exchange: Pick<Exchange<unknown>, 'fingerprint'>,
  call: Call,
): Promise<{ readonly fingerprint: string } | undefined> {
  try {
    return { fingerprint: fingerprintOf(call, await exchange.fingerprint()) }
  } catch (error) {
    if (isPaymentError(error)) return undefined
    throw error
  }
}

/** A counter's room, writable as JSON. */
function readable({ claim, ...room }: Room): Room {
  return asJson({ ...room, claim: asJson({ ...claim }) })
}
