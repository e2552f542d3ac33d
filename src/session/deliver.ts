import { PaymentError } from '../errors/index.js'
import type { Challenge, JsonObject, ReplyInfo } from '../protocol/index.js'
import type { Deliver } from '../wallet/index.js'
import { networkOf } from '../wallet/tempo/shared.js'
import { readSession, type Session } from './challenge.js'
import type { Identity } from './identity.js'
import type { SessionContext } from './options.js'

/** The destination of a delivery that is not a request of the caller. */
export interface Delivery {
  readonly challenge: Challenge
  readonly session: Session
  readonly identity: Identity
  readonly parts: SessionContext
}

/**
 * Delivers a credential that buys nothing by itself. If its challenge is rejected, the credential is delivered once
 * more on the fresh one, as long as that asks for the same channel.
 */
export async function deliverWithRefresh(
  deliver: Deliver,
  payload: JsonObject,
  to: Delivery,
): Promise<ReplyInfo> {
  const reading = await deliver(credential(to.challenge, payload, to))
  if (reading.kind !== 'payment-required') return reading
  const fresh = reading.offers.find(
    (offer) => offer.kind === to.challenge.kind && asksAlike(offer, to.session),
  )
  return fresh === undefined ? reading : deliver(credential(fresh, payload, to))
}

function credential(challenge: Challenge, payload: JsonObject, { parts, identity }: Delivery) {
  return { challenge, payload, source: `did:pkh:${networkOf(identity)}:${parts.config.checksummed}` }
}

function asksAlike(offer: Challenge, session: Session): boolean {
  const fresh = readSession(offer)
  if ('unpayable' in fresh) return false
  const fields = ['protocol', 'chainId', 'escrow', 'token', 'payee', 'operator', 'sponsored'] as const
  return fields.every((field) => fresh[field] === session[field])
}

/** @throws PaymentError with `funds: 'unknown'` if the server rejected it: the transaction may still be included. */
export async function deliverFunding(deliver: Deliver, payload: JsonObject, to: Delivery): Promise<void> {
  const reading = await deliverWithRefresh(deliver, payload, to)
  if (reading.kind === 'response' && reading.ok) return
  throw new PaymentError('wallet_failed', 'unknown', 'The server did not confirm the top-up')
}
