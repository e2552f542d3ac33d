import { concatHex, keccak256 } from 'viem/utils'
import type { Credential } from '../../protocol/index.js'
import { broadcast, failed, type Hex, oneEnd, readBlock, word } from '../chain/index.js'
import type { Prepared } from '../index.js'
import { evidenceOf, type TransactionDetail } from './evidence.js'
import { NO_TOKEN } from './holdings.js'
import { networkOf, priceIn } from './plan.js'
import { laneName } from './quote.js'
import { signCall } from './raw.js'
import { readCount } from './reads.js'
import type { Task } from './task.js'

/** `transfer(address,uint256)` of ERC-20. */
const TRANSFER: Hex = '0xa9059cbb'

/** A transfer as a transaction of our own: signed for the server to broadcast, or broadcast by us. */
export async function prepareTransaction(task: Task, way: 'transaction' | 'hash'): Promise<Prepared> {
  const { spendable, options, parts, offer, until } = task
  const { config, holdings } = parts
  const { challenge, terms } = spendable.quote
  const { fee } = terms
  if (fee === undefined) throw failed('The quote names no fee for a transaction, so nothing was signed')
  const place = await placeOf(task)
  const most = priceIn(fee, offer.chainId, config)
  const price = await holdings.price.known(offer.chainId, NO_TOKEN, options.now)
  const tip = price === undefined || price.tip > most ? 0n : price.tip
  const raw = await signCall(
    {
      chainId: offer.chainId,
      to: offer.token,
      data: concatHex([TRANSFER, word(offer.to), word(offer.amount)]),
      nonce: place.nonce,
      gas: config.gasLimit,
      most,
      tip,
    },
    config,
    options.signal,
  )
  const detail: TransactionDetail = {
    form: 'transaction',
    way,
    chainId: offer.chainId,
    sender: config.sender,
    token: offer.token,
    to: offer.to,
    amount: offer.amount.toString(),
    nonce: place.nonce.toString(),
    hash: keccak256(raw),
    after: place.after.toString(),
    signedAt: options.now,
    coin: fee.bound.currency,
  }
  const payload =
    way === 'hash' ? { type: 'hash', hash: detail.hash } : { type: 'transaction', signature: raw }
  const source = `did:pkh:${networkOf(offer)}:${config.checksummed}`
  const credential: Credential = { challenge, payload, source }
  return {
    evidence: evidenceOf(config.id, offer.kind, challenge.id, detail),
    laneNext: place.nonce + 1n,
    ...oneEnd(async () => {
      holdings.tokens.took(offer.chainId, offer.token, offer.amount)
      if (way === 'hash')
        await broadcast(
          config.nodes(offer.chainId) ?? [],
          raw,
          { hash: detail.hash, validBefore: until },
          config,
        )
      return { credential, goodUntil: challenge.expires ?? until * 1000 }
    }),
  }
}

/** How often a node that lags behind what was accepted already is asked again, and how long in between. */
const LOOKS = 10
const PAUSE_MS = 250

/** The nonce to run on: the chain's next one, unless an earlier credential is to be excluded. */
async function placeOf({
  spendable: { quote, lane },
  options: { signal },
  parts,
  offer,
}: Task): Promise<{ readonly nonce: bigint; readonly after: bigint }> {
  const { config } = parts
  const name = laneName(offer.chainId, config.sender)
  if (lane?.name !== name)
    throw failed('The lane that was granted is not of this account, so nothing was signed')
  const nodes = config.nodes(offer.chainId) ?? []
  const [first] = nodes
  if (first === undefined) throw failed('This wallet has no node to ask for a nonce')
  const block = await readBlock(first, 'latest')
  if (block === undefined) throw failed('The node knows no block')
  const after = block.number
  if (quote.excludes !== undefined) return { nonce: quote.excludes.value, after }
  for (let look = 0; ; look++) {
    const next = await readCount(first, config.sender, 'pending')
    // Accepted, and not seen here yet: the node is behind. One that stays behind knows better than a server's receipt.
    if (next >= lane.value || look >= LOOKS) return { nonce: next, after }
    signal?.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
