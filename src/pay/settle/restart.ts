import type { Payment } from '../../ledger/index.js'
import type { Challenge, OfferKind, ReplyInfo, Resource } from '../../protocol/index.js'
import type { AuthorizedPayment } from '../authorize/purchase.js'
import type { Env } from '../env.js'
import { abandonPayment } from '../recovery/abandon.js'

const SIGN_IN: OfferKind = 'x402/sign-in'

/** A call that starts over with other offers. What it made before was released. */
export class Restart {
  readonly at: Resource
  readonly offers: readonly Challenge[]

  constructor(at: Resource, offers: readonly Challenge[]) {
    this.at = at
    this.offers = offers
  }
}

/**
 * A sign-in is for who paid before. Where it is not taken, nothing was bought and nothing ever moves for it: it ends, and
 * what the server asks for now is judged and paid like any first offer. At most once, since no sign-in is among those.
 *
 * @returns Undefined for any other payment, and where there is nothing else to buy.
 */
export async function restartWithoutSignIn(
  { candidate }: AuthorizedPayment,
  asks: Extract<ReplyInfo, { kind: 'payment-required' }>,
  payment: Payment,
  env: Env,
): Promise<Restart | undefined> {
  if (candidate.quote.terms.kind !== SIGN_IN) return undefined
  const offers = asks.offers.filter(({ kind }) => kind !== SIGN_IN)
  if (offers.length === 0) return undefined
  const { payment: after } = await abandonPayment(payment, env)
  return after.state === 'released' ? new Restart(asks.at, offers) : undefined
}
