import { getAddress, hashTypedData } from 'viem/utils'
import type { JsonObject } from '../../protocol/index.js'
import { addressOf, failed, type Hex, networkOf, payerOn, sign, withRecovery, word } from '../chain/index.js'
import type { Prepared, PrepareOptions, Quote, Spendable } from '../index.js'
import { completeOrDiscard } from '../shared.js'
import { extensionsOf, nonceOf, routeNonce } from './binding.js'
import { type AuthorizationDetail, evidenceOf, type PermitDetail } from './evidence.js'
import type { Offer } from './offer.js'
import { choose, type EvmContext, type Plan, paysGas, planOf, type Task } from './plan.js'
import { goodUntil } from './quote.js'
import { prepareTransaction } from './transaction.js'
import { PERMIT2, permitData, spenderOf, transferData, transferDigest } from './typed.js'

/**
 * Builds and signs the payment of an authorization. Signing belongs to `prepare`, while the money is safe: the signed
 * payment stays in this closure until `complete`, and an abort or a discard drops it.
 */
export async function prepareOffer(
  spendable: Spendable,
  options: PrepareOptions,
  wallet: EvmContext,
): Promise<Prepared> {
  options.signal?.throwIfAborted()
  const { quote, bounds } = spendable
  const plan = await agreed(quote, wallet)
  const until = goodUntil(quote.challenge, plan.offer, { now: options.now, bounds }, wallet.config)
  if (typeof until !== 'number') throw failed(`${until.unpayable}, so nothing was signed`)
  const task: Task = { spendable, options, wallet, offer: plan.offer, until: Math.floor(until / 1000) }
  switch (plan.way) {
    case 'authorization':
      return prepareAuthorization(task, plan)
    case 'permit2':
      return preparePermit(task)
    default:
      return prepareTransaction(task, plan.way)
  }
}

/** Reads the offer again and checks it against the judged terms, so that exactly those are signed. */
async function agreed(quote: Quote, { config, domains }: EvmContext): Promise<Plan> {
  const choice = choose(quote.challenge, config)
  if ('unpayable' in choice) throw failed(choice.unpayable)
  const { offer, way } = choice
  const { terms } = quote
  const [payee, ...others] = terms.payees
  const same =
    quote.wallet === config.id &&
    terms.purpose === 'pay' &&
    terms.kind === offer.kind &&
    terms.network === networkOf(offer) &&
    terms.most.value === offer.amount &&
    addressOf(terms.most.currency) === offer.token &&
    terms.exact === (offer.facilitator === undefined) &&
    payee?.id === offer.to &&
    payee.amount.value === offer.amount &&
    others.length === 0 &&
    (terms.fee !== undefined) === paysGas(way)
  if (!same) throw failed('The quote does not belong to this wallet, so nothing was signed')
  const plan = await planOf(choice, domains)
  if ('unpayable' in plan) throw failed(plan.unpayable)
  return plan
}

/** EIP-3009. */
async function prepareAuthorization(
  task: Task,
  { domain }: Extract<Plan, { way: 'authorization' }>,
): Promise<Prepared> {
  const { spendable, options, offer, until } = task
  const { config } = task.wallet
  const { challenge } = spendable.quote
  const { chainId, token, to, amount } = offer
  const bound = bindingOf(spendable, offer)
  const nonce = nonceFor(spendable, token, chainId, bound.nonce)
  const { sender } = config
  const transfer = { from: sender, to, value: amount, validBefore: until, nonce }
  const signing = { chainId, address: token, domain }
  const digest = transferDigest(transfer, signing)
  const signer = { sign: (hash: Hex) => config.signer.signTyped(hash, transferData(transfer, signing)) }
  const signature = withRecovery(await sign(digest, signer, options.signal))
  const detail: AuthorizationDetail = {
    form: 'authorization',
    chainId,
    sender,
    token,
    to,
    amount: amount.toString(),
    nonce,
    validBefore: until,
    signedAt: options.now,
  }
  const authorization = {
    from: config.checksummed,
    to: getAddress(to),
    value: amount.toString(),
    validAfter: '0',
    validBefore: until.toString(),
    nonce,
  }
  const payload =
    challenge.echo.envelope === 'mpp'
      ? { type: 'authorization', ...authorization, signature }
      : { authorization, signature }
  return signed(detail, payload, bound.extensions, task)
}

/** Signs a Permit2 permit that only x402's own proxies can spend. */
async function preparePermit(task: Task): Promise<Prepared> {
  const { spendable, options, offer, until } = task
  const { config } = task.wallet
  const { chainId, token, to, amount, facilitator } = offer
  const nonce = nonceFor(spendable, PERMIT2, chainId)
  const permit = { token, amount, to, nonce: BigInt(nonce), deadline: until, facilitator }
  const data = permitData(permit, chainId)
  const signer = { sign: (hash: Hex) => config.signer.signTyped(hash, data) }
  const signature = withRecovery(await sign(hashTypedData(data), signer, options.signal))
  const detail: PermitDetail = {
    form: 'permit2',
    chainId,
    sender: config.sender,
    token,
    to,
    amount: amount.toString(),
    nonce,
    deadline: until,
    signedAt: options.now,
    currency: spendable.quote.terms.most.currency,
    facilitator,
  }
  const permit2Authorization = {
    from: config.checksummed,
    permitted: { token: getAddress(token), amount: amount.toString() },
    spender: getAddress(spenderOf(permit)),
    nonce: permit.nonce.toString(),
    deadline: until.toString(),
    witness: {
      to: getAddress(to),
      ...(facilitator && { facilitator: getAddress(facilitator) }),
      validAfter: '0',
    },
  }
  const { extensions } = bindingOf(spendable, offer)
  return signed(detail, { signature, permit2Authorization }, extensions, task)
}

/** Returns the protocol's nonce, and the extensions to return. */
function bindingOf(
  spendable: Spendable,
  offer: Offer,
): { readonly nonce?: Hex | undefined; readonly extensions?: JsonObject | undefined } {
  const { echo } = spendable.quote.challenge
  if (echo.envelope !== 'x402') return { nonce: offer.nonce }
  const extensions = extensionsOf(echo, spendable, offer.routeBound)
  if (!offer.routeBound) return { extensions }
  const nonce = extensions && routeNonce(echo, extensions)
  if (nonce === undefined) throw failed('The offer cannot be bound to its route, so nothing was signed')
  return { nonce, extensions }
}

/** Returns the nonce: after an earlier credential, exactly the nonce of that credential. */
function nonceFor(spendable: Spendable, contract: Hex, chainId: number, bound?: Hex): Hex {
  const { replaces } = spendable.quote
  const place = replaces && word(replaces.value)
  if (bound !== undefined && place !== undefined && bound !== place)
    throw failed('The nonce of this offer does not exclude the earlier payment, so nothing was signed')
  return place ?? bound ?? nonceOf(spendable, chainId, contract)
}

function signed(
  detail: AuthorizationDetail | PermitDetail,
  payload: JsonObject,
  extensions: JsonObject | undefined,
  { spendable, wallet, offer, until }: Task,
): Prepared {
  const { config, holdings } = wallet
  const { challenge } = spendable.quote
  const source = challenge.echo.envelope === 'mpp' ? payerOn(offer, config) : undefined
  const credential = {
    challenge,
    payload,
    ...(extensions && { extensions }),
    ...(source && { source }),
  }
  return {
    evidence: evidenceOf(config.id, offer.kind, challenge.id, detail),
    ...completeOrDiscard(async () => {
      holdings.tokens.took(offer.chainId, offer.token, offer.amount)
      return { credential, goodUntil: until * 1000 }
    }),
  }
}
