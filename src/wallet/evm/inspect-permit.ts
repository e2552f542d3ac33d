import { decodeFunctionData, parseAbi } from 'viem/utils'
import type { Verdict } from '../../ledger/index.js'
import { amount, type Instant } from '../../money/index.js'
import {
  type Block,
  type Hex,
  type Log,
  lower,
  type Node,
  readBlock,
  readReceipt,
  TRANSFER_EVENT,
  word,
} from '../chain/index.js'
import type { PermitDetail } from './evidence.js'
import { isFinal, isTransfer, logsWithin, pendingUntil } from './proof.js'
import { readPermitUsed, readTransaction, type Sent } from './reads.js'
import { spenderOf } from './typed.js'

export async function permitView(node: Node, detail: PermitDetail, now: Instant): Promise<Verdict> {
  const { sender, deadline } = detail
  const nonce = BigInt(detail.nonce)
  const final = await readBlock(node, 'finalized')
  // Permit2 accepts a permit up to and including its deadline.
  const past = final !== undefined && final.timestamp > deadline ? final : undefined
  if (await readPermitUsed(node, sender, nonce, 'latest')) return used(node, detail, final, past, now)
  if (past === undefined) return pendingUntil(deadline + 1, final, now)
  if (await readPermitUsed(node, sender, nonce, { blockHash: past.hash }))
    return used(node, detail, final, past, now)
  return { state: 'void', reason: 'It expired without being settled' }
}

/**
 * Finds the use of a permit. Permit2 stores a bit and no log, so the transfer is found in the token's log, and its
 * transaction must call the proxy that the permit names, with the permit's nonce, which can be used only once.
 */
async function used(
  node: Node,
  detail: PermitDetail,
  final: Block | undefined,
  past: Block | undefined,
  now: Instant,
): Promise<Verdict> {
  const found = await settlement(node, detail)
  if (found === undefined) {
    const reason = 'Its permit was used, and the node does not show by which transaction'
    return past === undefined
      ? pendingUntil(detail.deadline + 1, final, now, reason)
      : { state: 'unknown', reason }
  }
  const { call, log } = found
  const taken = BigInt(log.data)
  if (call.permitted === BigInt(detail.amount) && call.deadline === BigInt(detail.deadline))
    return { state: 'settled', reference: log.transactionHash, amount: amount(taken, detail.currency) }
  const receipt = await readReceipt(node, log.transactionHash)
  if (receipt === undefined || !isFinal(final, receipt.blockNumber))
    return pendingUntil(
      detail.deadline + 1,
      final,
      now,
      'Another credential used its nonce, in a block that is not final yet',
    )
  return { state: 'void', reason: 'Another credential used its nonce' }
}

async function settlement(
  node: Node,
  detail: PermitDetail,
): Promise<{ readonly call: Call; readonly log: Log } | undefined> {
  const { token, sender, to, signedAt, deadline } = detail
  const topics = [TRANSFER_EVENT, word(sender), word(to)]
  const logs = await logsWithin(node, { address: token, topics }, { signedAt, end: deadline + 1 })
  for (const log of logs) {
    if (!isTransfer(log, detail)) continue
    const sent = await readTransaction(node, log.transactionHash)
    const call = sent && callOf(sent, detail)
    if (call !== undefined) return { call, log }
  }
  return undefined
}

interface Call {
  readonly permitted: bigint
  readonly deadline: bigint
}

/** The functions of the proxies, for exact prices and for prices that are known only afterwards. */
const PROXIES = parseAbi([
  'struct Permitted { address token; uint256 amount; }',
  'struct Permit { Permitted permitted; uint256 nonce; uint256 deadline; }',
  'struct Witness { address to; uint256 validAfter; }',
  'struct UptoWitness { address to; address facilitator; uint256 validAfter; }',
  'function settle(Permit permit, address owner, Witness witness, bytes signature)',
  'function settle(Permit permit, uint256 amount, address owner, UptoWitness witness, bytes signature)',
])

/** Returns the terms of the permit that a transaction used, if it is the permit of this payment. */
function callOf({ to, input }: Sent, detail: PermitDetail): Call | undefined {
  if (to !== spenderOf(detail)) return undefined
  const args = argumentsOf(input)
  if (args === undefined) return undefined
  const [{ permitted, nonce, deadline }] = args
  const owner = args.length === 4 ? args[1] : args[2]
  const ours =
    lower(permitted.token) === detail.token &&
    nonce === BigInt(detail.nonce) &&
    lower(owner) === detail.sender
  return ours ? { permitted: permitted.amount, deadline } : undefined
}

function argumentsOf(data: Hex) {
  try {
    return decodeFunctionData({ abi: PROXIES, data }).args
  } catch {
    return undefined
  }
}
