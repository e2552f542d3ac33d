import { keccak256 } from 'viem/utils'
import type { Credential } from '../../protocol/index.js'
import { sleep } from '../../util/timers.js'
import { broadcast, encodeTransfer, failed, type Hex, payerOn, readBlock } from '../chain/index.js'
import type { Prepared } from '../index.js'
import { completeOrDiscard } from '../shared.js'
import { evidenceOf, type TransactionDetail } from './evidence.js'
import { NO_TOKEN } from './holdings.js'
import { priceIn, type Task } from './plan.js'
import { laneName } from './quote.js'
import { signCall } from './raw.js'
import { readCount } from './reads.js'

type Way = TransactionDetail['way']

/** Prepares a transfer by the wallet's own transaction: the server broadcasts it, or the wallet does. */
export async function prepareTransaction(task: Task, way: Way): Promise<Prepared> {
  const { spendable, wallet, offer, until } = task
  const { config, holdings } = wallet
  const { challenge } = spendable.quote
  const { raw, detail } = await signTransfer(task, way)
  const { hash } = detail
  const credential: Credential = {
    challenge,
    payload: way === 'hash' ? { type: 'hash', hash } : { type: 'transaction', signature: raw },
    source: payerOn(offer, config),
  }
  return {
    evidence: evidenceOf(config.id, offer.kind, challenge.id, detail),
    nextLaneValue: BigInt(detail.nonce) + 1n,
    ...completeOrDiscard(async () => {
      holdings.tokens.took(offer.chainId, offer.token, offer.amount)
      const nodes = config.checkedNodes(offer.chainId) ?? []
      if (way === 'hash') await broadcast(nodes, raw, { hash, validBefore: until }, config)
      return { credential, goodUntil: challenge.expires ?? until * 1000 }
    }),
  }
}

async function signTransfer(
  task: Task,
  way: Way,
): Promise<{ readonly raw: Hex; readonly detail: TransactionDetail }> {
  const { spendable, options, wallet, offer } = task
  const { config, holdings } = wallet
  const { chainId, token, to, amount } = offer
  const { fee } = spendable.quote.terms
  if (fee === undefined) throw failed('The quote names no fee for a transaction, so nothing was signed')
  const { nonce, after } = await placeOf(task)
  const most = priceIn(fee, chainId, config)
  const price = await holdings.price.known(chainId, NO_TOKEN, options.now)
  const tip = price === undefined || price.tip > most ? 0n : price.tip
  const call = {
    chainId,
    to: token,
    data: encodeTransfer(to, amount),
    nonce,
    gas: config.gasLimit,
    most,
    tip,
  }
  const raw = await signCall(call, config.signer, options.signal)
  const detail: TransactionDetail = {
    form: 'transaction',
    way,
    chainId,
    sender: config.sender,
    token,
    to,
    amount: amount.toString(),
    nonce: nonce.toString(),
    hash: keccak256(raw),
    after: after.toString(),
    signedAt: options.now,
    coin: fee.bound.currency,
  }
  return { raw, detail }
}

/** The number of reads, and the pause between them, while a node lags behind an accepted transaction. */
const LOOKS = 10
const PAUSE_MS = 250

/** Chooses the nonce: the chain's next one, unless an earlier credential must be excluded. */
async function placeOf({
  spendable: { quote, lane },
  options: { signal },
  wallet: { config },
  offer,
}: Task): Promise<{ readonly nonce: bigint; readonly after: bigint }> {
  const name = laneName(offer.chainId, config.sender)
  if (lane?.name !== name)
    throw failed('The granted lane does not belong to this account, so nothing was signed')
  const nodes = config.checkedNodes(offer.chainId) ?? []
  const [first] = nodes
  if (first === undefined) throw failed('This wallet has no node to ask for a nonce')
  const block = await readBlock(first, 'latest')
  if (block === undefined) throw failed('The node reports no block')
  const after = block.number
  if (quote.replaces !== undefined) return { nonce: quote.replaces.value, after }
  for (let look = 0; ; look++) {
    const next = await readCount(first, config.sender, 'pending')
    // Accepted, but not visible at this node yet. If the node still reports the old count after all reads, its count is
    // trusted over the server's receipt.
    if (next >= lane.value || look >= LOOKS) return { nonce: next, after }
    signal?.throwIfAborted()
    await sleep(PAUSE_MS)
  }
}
