import type { Verdict } from '../../ledger/index.js'
import type { Amount } from '../../money/index.js'
import { answered, readChainId } from './reads.js'
import type { Node } from './rpc.js'

type Settled = Extract<Verdict, { state: 'settled' }>
type Void = Extract<Verdict, { state: 'void' }>

/**
 * Asks every node what happened to a credential. If any node shows a settlement at the full price, it counts. The
 * verdicts that return budget, `void` and a settlement for less, need an answer from all nodes. If answers differ, the
 * most expensive one counts.
 *
 * @param look - Reads one node's view. A failure is no answer and proves nothing.
 */
export async function askNodes(
  nodes: readonly Node[],
  chainId: number,
  look: (node: Node) => Promise<Verdict>,
): Promise<Verdict> {
  const views = await Promise.all(nodes.map((node) => viewOn(node, chainId, look).catch(() => undefined)))
  return combine(views.filter((view) => view !== undefined))
}

async function viewOn(node: Node, chainId: number, look: (node: Node) => Promise<Verdict>): Promise<Verdict> {
  const view = await look(node)
  if (view.state === 'void') await checkIsOf(chainId, node)
  return view
}

/**
 * Checks that a node serves the right chain before it proves an absence. Contracts have the same address on many
 * chains, and on another chain the payer's credential was never used.
 *
 * @throws PaymentError `wallet_unavailable` if it serves another chain.
 */
export async function checkIsOf(chainId: number, node: Node): Promise<void> {
  if ((await readChainId(node)) !== chainId) throw answered('eth_chainId')
}

/** Pure. */
function combine(views: readonly Verdict[]): Verdict {
  if (views.length === 0) return { state: 'unknown', reason: 'No node of the chain answered' }
  const settled = views.filter((view): view is Settled => view.state === 'settled')
  const dearest = settled.sort(
    (a, b) => byAmount(a.amount, b.amount, WHOLE) || byAmount(a.fee, b.fee, WHOLE),
  )[0]
  if (dearest !== undefined && (dearest.amount === undefined || settled.length === views.length))
    return dearest
  const open =
    views.find((view) => view.state === 'pending') ?? views.find((view) => view.state === 'unknown')
  if (open !== undefined) return open
  const [gone] = views
    .filter((view): view is Void => view.state === 'void')
    .sort((a, b) => byAmount(a.fee, b.fee, NOTHING))
  return dearest === undefined && gone !== undefined
    ? gone
    : { state: 'unknown', reason: 'The nodes of the chain disagree about the payment' }
}

/** The rank of a missing amount: it means the full price (`WHOLE`), or no fee (`NOTHING`). */
const WHOLE = -1
const NOTHING = 1

/** Compares amounts, the greater first. */
function byAmount(
  a: Amount | undefined,
  b: Amount | undefined,
  unsaid: typeof WHOLE | typeof NOTHING,
): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? unsaid : -unsaid
  return a.value === b.value ? 0 : a.value > b.value ? -1 : 1
}
