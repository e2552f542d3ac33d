import type { NodeFault } from '../port.js'
import { readChainId } from './reads.js'
import { markUnsent, type Node, unfit } from './rpc.js'

/** Nodes that are asked for their chain before they are asked for anything else. */
export interface ChainCheck {
  /** The node, checked at its first call: nothing is asked of it before it has named the right chain. */
  checked(node: Node, chainId: number): Node
  /** What is wrong with nodes: each fault is handed out once. */
  faults(): readonly NodeFault[]
}

/** Checks each node once. A node that fails is checked again at its next call, so that a mended one is used at once. */
export function chainCheck(): ChainCheck {
  const told = new Set<string>()
  let fresh: NodeFault[] = []
  const tell = (fault: NodeFault): void => {
    const key = `${fault.kind} ${fault.message}`
    if (told.has(key)) return
    told.add(key)
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
        message: `A node for eip155:${chainId} did not say which chain it is of, so nothing it says is believed: look at \`rpc[${chainId}]\` of the wallet`,
      }
    : {
        kind: 'node_of_another_chain',
        message: `A node for eip155:${chainId} is one of eip155:${found}, so nothing it says is believed: look at \`rpc[${chainId}]\` of the wallet`,
      }
}

/** One caller's patience ends the waiting of that caller alone: others wait for the same check. */
function untilAborted(check: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return check
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    check.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
