import { isPaymentError } from '../../errors/index.js'
import type { Room } from '../../ledger/index.js'
import { asJson } from '../../money/index.js'
import type { Decision, Terms } from '../../policy/index.js'
import type { ReplyInfo } from '../../protocol/index.js'
import { own } from '../../util/objects.js'
import { untilAborted } from '../../util/until-aborted.js'
import type { Call, CallContext, Env } from '../env.js'
import type { Exchange } from '../exchange.js'
import { noWallet } from '../not-paid.js'
import { fingerprintOf } from '../purchase.js'
import { contextOf, evaluateSource } from './candidates.js'

/** One way to pay for a call, and the decision of policy on it. */
export interface QuotedOffer {
  readonly terms: Terms
  readonly decision: Pick<Decision, 'effect' | 'reasons'>
  /** The counters that it would have to fit into, as they are now. */
  readonly room: readonly Room[]
  /** Whether every counter has room for it now. */
  readonly fits: boolean
}

/**
 * The price of a call. Nothing was signed and nothing is held, so all of it may have changed when the call is paid for.
 */
export interface Quoted<Reply> {
  /** The answer to the unpaid request. If the call is free, it has now been made. */
  readonly reply: Reply
  /** Best first. Empty if nothing has to be paid, or nothing can be. */
  readonly offers: readonly QuotedOffer[]
  /** Why offers cannot be paid: no wallet here pays them, they cannot be read, or the 402 has none. */
  readonly unpayable: readonly string[]
}

/** Asks what a call would cost and what policy decides about it. Sends the request unpaid, and signs nothing. */
export async function quote<Reply extends object>(
  exchange: Exchange<Reply>,
  call: Call,
  environment: () => Promise<Env>,
): Promise<Quoted<Reply>> {
  const reply = await exchange.send(own({ signal: call.signal }))
  if (!exchange.mayRequirePayment(reply)) return { reply, offers: [], unpayable: [] }
  const reading = await exchange.read(reply)
  if (reading.kind !== 'payment-required') return { reply, offers: [], unpayable: [] }
  const { reasons = [] } = reading
  const quoting = environment().then((env) => quoteReading(reading, exchange, { call, env }))
  const quoted = await untilAborted(quoting, call.signal)
  return { reply, ...quoted, unpayable: [...quoted.unpayable, ...reasons.map(({ message }) => message)] }
}

async function quoteReading(
  { offers: asked, at }: Extract<ReplyInfo, { kind: 'payment-required' }>,
  exchange: Pick<Exchange<unknown>, 'fingerprint'>,
  { call, env }: CallContext,
): Promise<Omit<Quoted<unknown>, 'reply'>> {
  const purchase =
    env.policy.repeatWithin(at, contextOf(call)) === undefined ? undefined : await purchaseOf(exchange, call)
  const { ranked, unpayable } = await evaluateSource(
    { kind: 'offers', offers: asked },
    { at, call, env },
    { alive: undefined, usedUp: undefined, need: undefined, purchase },
  )
  const offers = await Promise.all(
    ranked.map(async ({ quote: { terms }, decision }) => {
      const room = (await env.ledger.room(decision.claims)).map(jsonRoom)
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

/** A counter's room that can be written as JSON. */
function jsonRoom({ claim, ...room }: Room): Room {
  return asJson({ ...room, claim: asJson({ ...claim }) })
}
