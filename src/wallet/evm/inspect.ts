import type { Evidence, Verdict } from '../../ledger/index.js'
import type { Instant } from '../../money/index.js'
import { consult, type Node } from '../chain/index.js'
import { type PaidDetail, readDetail } from './evidence.js'
import { authorizationView } from './inspect-authorization.js'
import { permitView } from './inspect-permit.js'
import { transactionView } from './inspect-transaction.js'
import type { Config } from './options.js'

/**
 * Finds out what happened to a credential, from the chain alone. It is settled if the token's own record shows the
 * authorization with its transfer. It is void if one final block proves that no settlement can follow. The local clock
 * and a search without a result do not prove that. A settlement at the full price shown by any node counts; void, or a
 * lower price, needs every node that answers.
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
