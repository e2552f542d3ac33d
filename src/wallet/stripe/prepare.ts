import { isPaymentError } from '../../errors/index.js'
import type { PaymentId } from '../../ledger/index.js'
import { defined } from '../../util/objects.js'
import { randomId } from '../../util/random-id.js'
import { untilDeadline } from '../../util/until-aborted.js'
import type { Completed, PendingAction, Prepared, PrepareOptions, Quote, Spendable } from '../index.js'
import { completeOrDiscard } from '../shared.js'
import { type Charge, readCharge } from './charge.js'
import { codeOf, type Detail, evidenceOf } from './evidence.js'
import { failed, stepFailed } from './fault.js'
import type { Config } from './options.js'
import { continuedTokens, LEAST_VALIDITY_MS } from './quote.js'
import { isTokenId, readToken, type Token } from './token.js'

/** The idempotency keys of requests that ended in this process without a usable token. */
export interface UsedKeys {
  add(key: string): unknown
  has(key: string): boolean
}

export interface StripeContext {
  readonly config: Config
  readonly usedKeys: UsedKeys
}

/**
 * Prepares the request to Stripe without sending it. Creating a token is the side effect, so it happens after the
 * commit, under an idempotency key that is stored with the commit.
 */
export async function prepareCharge(
  { quote, payment, bounds }: Spendable,
  { now, signal }: PrepareOptions,
  wallet: StripeContext,
): Promise<Prepared> {
  const { config } = wallet
  signal?.throwIfAborted()
  const charge = agreed(quote, config)
  await config.issuer.ready()
  const earlier = continuedTokens.get(quote)
  if (earlier === undefined && quote.replaces !== undefined)
    throw failed('The quote continues with an unknown token, so no token was created')
  const detail =
    earlier ??
    request(charge, quote, payment, now + Math.min(config.validityMs, bounds.maxValidityMs), wallet)
  if (detail.expiresAt * 1000 < now + LEAST_VALIDITY_MS - 1_000)
    throw failed('The offer leaves too little time to pay, so no token was created')
  const making: Making = { detail, charge, quote, payment, signal }
  return {
    evidence: evidenceOf(config.id, quote.challenge.id, detail, now),
    ...completeOrDiscard(async () =>
      detail.token === undefined ? make(making, wallet) : present(making, detail.token, wallet),
    ),
  }
}

interface Making {
  readonly detail: Detail
  readonly charge: Charge
  readonly quote: Quote
  readonly payment: PaymentId
  readonly signal: AbortSignal | undefined
}

/** Reads the charge again and checks it against the judged terms, so that the token matches them. */
function agreed({ wallet, terms, challenge }: Quote, config: Config): Charge {
  const charge = readCharge(challenge.request)
  const [payee] = terms.payees
  const same =
    !('unpayable' in charge) &&
    wallet === config.id &&
    terms.network === config.network &&
    terms.most.value === charge.amount &&
    terms.most.currency.id === `iso4217:${charge.currency.toUpperCase()}` &&
    terms.payees.length === 1 &&
    payee?.id === charge.seller &&
    payee.amount.value === charge.amount
  if (!same || 'unpayable' in charge)
    throw failed('The quote does not belong to this wallet, so no token was created')
  return charge
}

function request(
  charge: Charge,
  quote: Quote,
  payment: PaymentId,
  latest: number,
  { config }: StripeContext,
): Detail {
  const until = Math.min(quote.challenge.expires ?? Number.POSITIVE_INFINITY, latest)
  return {
    // A key for this attempt only: after a token was revoked, its key would return the same token again.
    key: `purser_${payment}_${randomId()}`,
    live: config.live,
    amount: charge.amount.toString(),
    currency: quote.terms.most.currency,
    seller: charge.seller,
    expiresAt: Math.floor(until / 1000),
    metadata: charge.metadata,
  }
}

/** The side effect: creates a token for exactly this amount, currency, seller and time. */
async function make(making: Making, { config, usedKeys }: StripeContext): Promise<Completed> {
  const { detail } = making
  try {
    const made = await config.issuer.issue(detail)
    const token = isTokenId(made) ? await lookedUp(made, config) : readToken(made)
    if (token === undefined) throw failed('No Shared Payment Token was created', 'wallet_failed', 'committed')
    const wrong = mistake(token, detail)
    const usable = token.status === 'active' || token.status === 'requires_action'
    if (wrong === undefined && usable) return handedOut(token, making, config)
    // No one has the token, and it expires by itself, so a failure here changes nothing.
    await config.issuer.revoke?.(token.id).catch(() => undefined)
    throw failed(
      `The created token is not usable: ${wrong ?? 'it is not active'}`,
      'wallet_failed',
      'committed',
    )
  } catch (error) {
    // The attempt ends here: no token was passed to anyone.
    usedKeys.add(detail.key)
    throw stepFailed('create a token', error)
  }
}

/** Looks up the token behind an id. If the wallet cannot look up tokens, a backend's bare id is accepted. */
async function lookedUp(id: string, { issuer }: Config): Promise<Token | undefined> {
  if (issuer.retrieve === undefined) return { id, status: 'active' }
  const token = readToken(await issuer.retrieve(id))
  // A different token could be charged in addition to this one.
  return token?.id === id ? token : undefined
}

/**
 * Returns the difference between the token and the request. Values that Stripe or a backend leaves out are not
 * compared.
 */
function mistake(token: Token, detail: Detail): string | undefined {
  const differs = <T>(said: T | undefined, asked: T): boolean => said !== undefined && said !== asked
  if (differs(token.livemode, detail.live))
    return `it is for ${token.livemode ? 'live' : 'test'} mode; set livemode if that is what you mean`
  if (differs(token.most, BigInt(detail.amount))) return 'it is for another amount'
  if (differs(token.currency, codeOf(detail.currency))) return 'it is for another currency'
  if (differs(token.seller, detail.seller)) return 'it is for another seller'
  if (token.expiresAt !== undefined && token.expiresAt > detail.expiresAt) return 'it lives too long'
  return undefined
}

/** Presents the same token on another challenge, if it can still be charged. */
async function present(making: Making, id: string, { config }: StripeContext): Promise<Completed> {
  try {
    const token = await lookedUp(id, config)
    if (token?.status === 'active' || token?.status === 'requires_action')
      return handedOut(token, making, config)
  } catch (error) {
    throw isPaymentError(error) ? error : stepFailed('show the token', error)
  }
  throw failed('The token cannot be charged any more', 'wallet_failed', 'committed')
}

function handedOut(
  token: Token,
  { detail, charge, quote, payment, signal }: Making,
  config: Config,
): Completed {
  const waiting = token.status === 'requires_action'
  const known: Detail = { ...detail, token: token.id, waits: waiting || undefined }
  const expires = detail.expiresAt * 1000
  return {
    // draft-stripe-charge-00, "Credential Schema": a request that is bound to an externalId gets it back.
    credential: {
      challenge: quote.challenge,
      payload: defined({ spt: token.id, externalId: charge.externalId }),
    },
    evidence: evidenceOf(config.id, quote.challenge.id, known, config.now()),
    goodUntil: expires,
    ...(waiting ? { pendingAction: waitingFor(token, { payment, expires, signal }, config) } : {}),
  }
}

function waitingFor(
  { id, action }: Token,
  { payment, expires, signal }: { payment: PaymentId; expires: number; signal: AbortSignal | undefined },
  config: Config,
): PendingAction {
  const { onActionRequired: ask } = config
  if (ask === undefined || action === undefined) return action === undefined ? {} : { action }
  return {
    action,
    async waitForPerson() {
      // A person may never answer. The token's end or the caller's abort ends the wait.
      await untilDeadline(async () => ask({ action, payment, expires }), expires - config.now(), signal)
      const token = await lookedUp(id, config)
      return token?.status === 'active'
    },
  }
}
