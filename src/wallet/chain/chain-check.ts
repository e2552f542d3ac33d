import { untilAborted } from '../../util/until-aborted.js'
import type { NodeFault } from '../port.js'
import { readChainId } from './reads.js'
import { markUnsent, type Node, unfit } from './rpc.js'

/** Checks the chain id of nodes before their first use. */
export interface ChainCheck {
  /** Wraps a node so that it must report the right chain id before its first call. */
  checked(node: Node, chainId: number): Node
  /** Returns the faults of nodes; each fault is returned once. */
  faults(): readonly NodeFault[]
}

/**
 * Checks each node once. A node that fails is checked again at its next call, so that a repaired node is used at once.
 */
export function chainCheck(): ChainCheck {
  const reported = new Set<string>()
  let fresh: NodeFault[] = []
  const tell = (fault: NodeFault): void => {
    const key = `${fault.kind} ${fault.message}`
    if (reported.has(key)) return
    reported.add(key)
    fresh.push(fault)
  }
  return {
    faults() {
      const faults = fresh
      fresh = []
      return faults
    },
    checked(node, chainId) {
      let proven = false
      let check: Promise<void> | undefined
      const prove = async (): Promise<void> => {
        const found = await readChainId(node).catch(() => undefined)
        if (found === chainId) {
          proven = true
          return
        }
        const fault = faultOf(found, chainId)
        tell(fault)
        throw markUnsent(unfit(fault.message))
      }
      return {
        async call(method, params, signal) {
          if (!proven) {
            check ??= prove().finally(() => {
              check = undefined
            })
            await untilAborted(check, signal)
          }
          return node.call(method, params, signal)
        },
      }
    },
  }
}

function faultOf(found: number | undefined, chainId: number): NodeFault {
  return found === undefined
    ? {
        kind: 'node_unusable',
        message: `A node for eip155:${chainId} did not report its chain id, so Purser does not use it: check \`rpc[${chainId}]\` of the wallet`,
      }
    : {
        kind: 'node_of_another_chain',
        message: `A node for eip155:${chainId} serves eip155:${found}, so Purser does not use it: check \`rpc[${chainId}]\` of the wallet`,
      }
}
