import type { Evidence, Verdict } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import { consult, type Node } from '../chain/index.js'
import { type PaidDetail, readDetail } from './evidence.js'
import { authorizationView } from './inspect-authorization.js'
import { permitView } from './inspect-permit.js'
import { transactionView } from './inspect-transaction.js'
import type { Config } from './options.js'

/**
 * What became of a credential, by the chain alone. Settled is the token's own record of our authorization, with the
 * transfer it allows. Void is proven at one final block that nothing can follow: neither our clock nor a search without
 * a hit proves it. Any node's settlement at the whole price counts; void, or less, needs every node that answers.
 */
export async function inspectOffer(evidence: Evidence, config: Config): Promise<Verdict> {
  const detail = readDetail(evidence.detail)
  if (detail === undefined)
    return { state: 'unknown', reason: 'This evidence is not of a payment on an EVM chain' }
  if (detail.form === 'proof') return { state: 'void', reason: 'A sign-in moves no money' }
  const nodes = config.nodes(detail.chainId)
  if (nodes === undefined)
    return { state: 'unknown', reason: `This wallet has no node for eip155:${detail.chainId}` }
  return consult(nodes, detail.chainId, (node) => viewOf(node, detail, config.now()))
}

function viewOf(node: Node, detail: PaidDetail, now: Instant): Promise<Verdict> {
  switch (detail.form) {
    case 'authorization':
      return authorizationView(node, detail, now)
    case 'permit2':
      return permitView(node, detail, now)
    case 'transaction':
      return transactionView(node, detail, now)
  }
}
