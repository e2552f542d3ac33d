import type { Reason } from '../errors/index.js'
import { clean } from '../errors/index.js'
import type { ToolResource } from '../protocol/index.js'
import { member, type RpcRequest } from './types.js'

/** The methods of MCP that may cost money. */
export const PAID_METHODS: ReadonlySet<string> = new Set(['tools/call', 'resources/read', 'prompts/get'])

const SERVER = /^[\w.@-][\w.@:/-]*$/
/** The length limit of the name of a tool, a prompt, a method, or of a URI, in characters. */
const LONGEST_NAME = 256
/** The most resources of one server that are kept. */
const MOST_KEPT = 256

/** The reason why a call with an unusable name is not paid. */
export const UNNAMED: Reason = Object.freeze({
  rule: 'tool',
  message: `The name of the tool, resource or prompt is missing, is longer than ${LONGEST_NAME} characters or has control characters. Purser pays no such call.`,
})

/**
 * Makes the vendor of a server from the name that the caller gave it.
 *
 * @throws TypeError if a policy could not name this vendor.
 */
export function vendorOf(transport: ToolResource['transport'], server: unknown, what: string): string {
  if (
    typeof server !== 'string' ||
    !SERVER.test(server) ||
    /^\d+$/.test(server) ||
    server.startsWith(`${transport}:`)
  )
    throw new TypeError(
      `${what} needs a name for the server, such as { server: 'search' }. The policy then names it ${transport}:search`,
    )
  return `${transport}:${server}`
}

/** The resources of one server. Agents call the same few tools again and again. */
export class Resources {
  readonly #transport: ToolResource['transport']
  readonly #vendor: string
  readonly #kept = new Map<string, ToolResource>()
  /** The tools among them, by name. */
  readonly #tools = new Map<unknown, ToolResource>()

  constructor(transport: ToolResource['transport'], vendor: string) {
    this.#transport = transport
    this.#vendor = vendor
  }

  /**
   * Returns the resource that a request buys. `none` if requests of this method never cost money, undefined if its name
   * cannot be used.
   */
  of(request: RpcRequest): ToolResource | 'none' | undefined {
    const { method, params } = request
    if (this.#transport === 'jsonrpc') return this.#named(method, method)
    if (method === 'tools/call') {
      const name = member(params, 'name')
      return this.#tools.get(name) ?? this.#tool(name)
    }
    if (method === 'resources/read') return this.#prefixed('resource', withoutSecrets(member(params, 'uri')))
    if (method === 'prompts/get') return this.#prefixed('prompt', member(params, 'name'))
    return 'none'
  }

  #tool(name: unknown): ToolResource | undefined {
    // A tool must not be named like a resource or a prompt, which a policy names with a prefix.
    const disguised = typeof name === 'string' && /^(?:tool|resource|prompt):/.test(name)
    const tool = disguised ? this.#prefixed('tool', name) : this.#named(name, `tool:${String(name)}`)
    if (this.#tools.size >= MOST_KEPT) this.#tools.clear()
    if (tool !== undefined) this.#tools.set(name, tool)
    return tool
  }

  #prefixed(kind: string, name: unknown): ToolResource | undefined {
    return typeof name === 'string' && name !== ''
      ? this.#named(`${kind}:${name}`, `${kind}:${name}`)
      : undefined
  }

  #named(tool: unknown, operation: string): ToolResource | undefined {
    if (typeof tool !== 'string' || tool === '' || tool.length > LONGEST_NAME) return undefined
    const known = this.#kept.get(operation)
    if (known !== undefined) return known
    if (clean(tool, LONGEST_NAME) !== tool) return undefined
    const vendor = this.#vendor
    // Frozen, because listeners and approvers see it before it is judged for the last time.
    const resource = Object.freeze({ transport: this.#transport, vendor, operation, address: vendor, tool })
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear()
    this.#kept.set(operation, resource)
    return resource
  }
}

/** Removes user, query and fragment from a URI: they may hold keys, and the ledger and listeners see the rest. */
function withoutSecrets(uri: unknown): unknown {
  if (typeof uri !== 'string') return undefined
  return uri.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1')
}
