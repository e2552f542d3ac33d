import type { Verdict } from '../../ledger/index.js'
import type { Node } from './rpc.js'

/**
 * Asks every node what became of a credential. Any node's settlement counts; void needs all that answer.
 *
 * @param look What one node shows. A failure is no answer, and proves nothing.
 */
export async function consult(
  nodes: readonly Node[],
  look: (node: Node) => Promise<Verdict>,
): Promise<Verdict> {
  const views = await Promise.all(nodes.map((node) => look(node).catch(() => undefined)))
  return combine(views.filter((view) => view !== undefined))
}

/** Pure. */
function combine(views: readonly Verdict[]): Verdict {
  const [first] = views
  if (first === undefined) return { state: 'unknown', because: 'No node of the chain answered' }
  return (
    views.find((view) => view.state === 'settled') ??
    views.find((view) => view.state === 'pending') ??
    views.find((view) => view.state === 'unknown') ??
    first
  )
}
