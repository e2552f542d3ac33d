import type { Currency } from '../money/index.js'
import type { Challenge, HttpResource, Resource } from '../protocol/index.js'
import type { QuoteContext, Unpayable } from '../wallet/index.js'
import { unpayable } from '../wallet/shared.js'
import { chainRefusal, networkOf, tokenCurrency } from '../wallet/tempo/shared.js'
import { isOwnEscrow, readSession, type Session } from './challenge.js'
import type { SessionChannel } from './machine.js'
import type { SessionContext } from './options.js'

/** An offer that this wallet could pay, with the data for its quote. */
export interface SessionOffer {
  readonly challenge: Challenge
  readonly context: QuoteContext
  readonly session: Session
  readonly currency: Currency
  readonly slot: string
  readonly parts: SessionContext
}

/** Reads an offer, if this wallet supports it. */
export function understand(
  challenge: Challenge,
  context: QuoteContext,
  parts: SessionContext,
): SessionOffer | Unpayable {
  const asked = read(challenge, context, parts)
  if ('unpayable' in asked) return asked
  const { session } = asked
  if (parts.protocol !== undefined && parts.protocol !== session.protocol)
    return unpayable(
      `The server speaks session protocol ${session.protocol}, and \`protocol\` of the wallet allows ${parts.protocol} only`,
    )
  if (!isOwnEscrow(session) && !parts.escrows.has(session.escrow))
    return unpayable(
      `The session would lock a deposit in ${session.escrow}, which this wallet does not know: \`escrows\` of the wallet can name it`,
    )
  return asked
}

/**
 * Reads an offer for an existing channel. Stricter options since then do not apply, because they must not keep a
 * deposit from being returned.
 */
export function read(
  challenge: Challenge,
  context: QuoteContext,
  parts: SessionContext,
): SessionOffer | Unpayable {
  const session = readSession(challenge)
  if ('unpayable' in session) return session
  const { config } = parts
  const refusal = chainRefusal(session.chainId, config)
  if (refusal !== undefined) return refusal
  const currency = tokenCurrency(session, context, config)
  if ('unpayable' in currency) return currency
  const slot = slotOf(session, context.resource, parts)
  return { challenge, context, session, currency, slot, parts }
}

/** Returns the slot of an offer. At most one channel is open per slot. */
export function slotOf(
  session: Pick<Session, 'protocol' | 'chainId' | 'escrow' | 'payee' | 'token' | 'operator'>,
  { vendor }: Resource,
  { id }: SessionContext,
): string {
  const { protocol, escrow, payee, token, operator } = session
  return [id, networkOf(session), protocol, escrow, vendor, payee, token, operator].join(' ')
}

/** Returns the highest total ever signed: the ledger's, or the one signed before the ledger knew the channel. */
export function totalOf({ base }: Pick<SessionChannel, 'base'>, signed: bigint): bigint {
  return signed > base ? signed : base
}

/** Returns the address for a channel's credentials, without the query, because the ledger stores it. */
export function addressOfResource(resource: Resource): string {
  return resource.transport === 'http' ? withoutQuery(resource) : resource.address
}

function withoutQuery({ address }: HttpResource): string {
  const url = new URL(address)
  return `${url.origin}${url.pathname}`
}
