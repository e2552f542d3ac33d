import { hashTypedData, keccak256, numberToHex } from 'viem/utils'
import type { LaneGrant } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import type { Challenge } from '../../protocol/index.js'
import { addressOf, broadcast, failed, networkOf, payerOn, sign } from '../chain/index.js'
import type { Prepared, PrepareOptions, Quote, Spendable } from '../index.js'
import { completeOrDiscard } from '../shared.js'
import { type Charge, type Hex, readCharge } from './charge.js'
import { type Envelope, EXPIRING, encodeForSigning, seenHash, serialize, transferData } from './envelope.js'
import { evidenceOf, type TransactionDetail } from './evidence.js'
import { takenBy } from './fee-token.js'
import { gasLimit, sponsoredLimit } from './gas.js'
import { nonceKeyOf } from './lanes.js'
import type { Config } from './options.js'
import { chooseMode, LEAST_VALIDITY_MS, type TempoContext } from './quote.js'

/**
 * Builds and signs the payment of an authorization. Signing belongs to `prepare`, while the money is safe: the signed
 * payment stays in this closure until `complete`, and an abort or a discard drops it.
 */
export async function prepareCharge(
  spendable: Spendable,
  options: PrepareOptions,
  wallet: TempoContext,
): Promise<Prepared> {
  const { quote } = spendable
  options.signal?.throwIfAborted()
  const charge = agreed(quote, wallet.config)
  return charge.amount === 0n
    ? prepareProof(charge, quote.challenge, options, wallet)
    : prepareTransaction(charge, spendable, options, wallet)
}

/** Reads the charge again and checks it against the judged terms, so that exactly those are signed. */
function agreed(quote: Quote, config: Config): Charge {
  const charge = readCharge(quote.challenge.request)
  const { terms } = quote
  const same =
    quote.wallet === config.id &&
    !('unpayable' in charge) &&
    terms.network === networkOf(charge) &&
    terms.most.value === charge.amount &&
    addressOf(terms.most.currency) === charge.token &&
    terms.payees.length === charge.transfers.length &&
    charge.transfers.every(({ to, amount }, index) => {
      const payee = terms.payees[index]
      return payee?.id === to && payee.amount.value === amount
    })
  if (!same || 'unpayable' in charge)
    throw failed('The quote does not belong to this wallet, so nothing was signed')
  return charge
}

async function prepareTransaction(
  charge: Charge,
  spendable: Spendable,
  options: PrepareOptions,
  wallet: TempoContext,
): Promise<Prepared> {
  const { config } = wallet
  const { challenge, terms } = spendable.quote
  const mode = chooseMode(charge, config)
  if (typeof mode !== 'string') throw failed(mode.unpayable)
  const lane = laneOf(spendable, charge)
  const memo = wallet.memo(challenge.realm, challenge.id)
  const fee = terms.fee?.bound.currency
  const tx = envelopeOf(charge, {
    memo,
    lane,
    config,
    validBefore: validBefore(spendable, options.now, config),
    feeToken: fee && addressOf(fee),
  })
  const unsigned = encodeForSigning(tx)
  const signature = await sign(keccak256(unsigned), config, options.signal)
  const signed = serialize(tx, config.sender, signature)
  const detail = detailOf(charge, tx, {
    mode,
    memo,
    lane,
    sender: config.sender,
    key: config.key,
    seen: lane === undefined ? seenHash(unsigned, config.sender) : undefined,
    feeCurrency: fee,
    // A sponsor's signature is part of the hash, so the hash is known only if no sponsor signs.
    hash: charge.sponsored ? undefined : keccak256(signed),
  })
  const takes = takenBy(terms.most, terms.fee)
  return {
    evidence: evidenceOf(config.id, challenge.id, detail),
    ...(lane === undefined ? {} : { nextLaneValue: lane.value + 1n }),
    ...completeOrDiscard(async () => {
      for (const { token, value } of takes) {
        wallet.balances.took(charge.chainId, token, value)
        wallet.limits?.took(charge.chainId, token, value)
      }
      if (mode === 'push') await broadcast(config.checkedNodes(charge.chainId) ?? [], signed, detail, config)
      const payload =
        mode === 'push'
          ? { type: 'hash', hash: keccak256(signed) }
          : { type: 'transaction', signature: signed }
      return {
        credential: { challenge, payload, source: payerOn(charge, config) },
        // A hash proves a past payment; it does not expire with the transaction.
        ...(mode === 'push' ? {} : { goodUntil: tx.validBefore * 1000 }),
      }
    }),
  }
}

/**
 * Signs EIP-712 data as deployed servers verify it: domain version 3, bound to payer and realm (the draft says version
 * 1).
 */
async function prepareProof(
  charge: Charge,
  challenge: Challenge,
  options: PrepareOptions,
  wallet: TempoContext,
): Promise<Prepared> {
  const { config } = wallet
  const hash = hashTypedData({
    domain: { name: 'MPP', version: '3', chainId: charge.chainId },
    types: PROOF,
    primaryType: 'Proof',
    message: { account: config.checksummed, challengeId: challenge.id, realm: challenge.realm },
  })
  const signature = await sign(hash, config, options.signal)
  return {
    evidence: evidenceOf(config.id, challenge.id, {
      form: 'proof',
      chainId: charge.chainId,
      sender: config.sender,
    }),
    ...completeOrDiscard(async () => ({
      credential: { challenge, payload: { type: 'proof', signature }, source: payerOn(charge, config) },
    })),
  }
}

const PROOF = {
  Proof: [
    { name: 'account', type: 'address' },
    { name: 'challengeId', type: 'string' },
    { name: 'realm', type: 'string' },
  ],
} as const

/** Returns the lane of the transaction; undefined for an expiring nonce. */
function laneOf({ quote, lane }: Spendable, charge: Charge): LaneGrant | undefined {
  const { replaces } = quote
  if (replaces !== undefined) {
    if (lane !== undefined && (lane.name !== replaces.name || lane.value !== replaces.value))
      throw failed('The granted lane does not exclude the earlier payment, so nothing was signed')
    return replaces
  }
  return charge.sponsored ? undefined : lane
}

interface Run {
  readonly memo: Hex
  readonly lane: LaneGrant | undefined
  readonly config: Config
  readonly validBefore: number
  readonly feeToken: Hex | undefined
}

function envelopeOf(charge: Charge, run: Run): Envelope {
  const { lane, config } = run
  const splits = charge.transfers.length - 1
  const use = lane === undefined ? 'expiring' : lane.value === 0n ? 'fresh' : 'reused'
  return {
    chainId: charge.chainId,
    maxPriorityFeePerGas: config.maxPriorityFeePerGas,
    maxFeePerGas: config.maxFeePerGas,
    gas: charge.sponsored ? sponsoredLimit(config.gas, splits) : gasLimit(config.gas, use, splits),
    calls: charge.transfers.map(({ to, amount, memo }, index) => ({
      to: charge.token,
      data: transferData(to, amount, index === 0 ? run.memo : memo),
    })),
    nonceKey: lane === undefined ? EXPIRING : nonceKeyOf(lane.name),
    nonce: lane === undefined ? 0n : lane.value,
    validBefore: run.validBefore,
    feeToken: run.feeToken,
  }
}

/**
 * Returns the expiry in seconds. It is as early as the payment allows, because a payment in doubt is resolved only
 * after it.
 */
function validBefore({ quote, bounds }: Spendable, now: Instant, config: Config): number {
  const { expires = Number.POSITIVE_INFINITY } = quote.challenge
  const until = Math.min(expires, now + Math.min(config.validityMs, bounds.maxValidityMs))
  if (!(until >= now + LEAST_VALIDITY_MS))
    throw failed('The offer leaves too little time to pay, so nothing was signed')
  return Math.floor(until / 1000)
}

function detailOf(
  charge: Charge,
  tx: Envelope,
  {
    lane,
    ...more
  }: Pick<TransactionDetail, 'mode' | 'memo' | 'sender' | 'key' | 'seen' | 'hash' | 'feeCurrency'> & {
    readonly lane: LaneGrant | undefined
  },
): TransactionDetail {
  return {
    form: 'transaction',
    sponsored: charge.sponsored,
    chainId: charge.chainId,
    token: charge.token,
    transfers: charge.transfers.map(({ to, amount }) => ({ to, amount: amount.toString() })),
    nonceKey: numberToHex(tx.nonceKey),
    nonce: tx.nonce.toString(),
    validBefore: tx.validBefore,
    lane: lane?.name,
    ...more,
  }
}
