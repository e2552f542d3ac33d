import type {
  CallToolResult,
  InputRequiredResult,
  McpServer,
  ServerContext,
} from '@modelcontextprotocol/server'
import type { Upstream } from './upstream.js'

/** A tool of an upstream. */
export interface ToolRoute {
  readonly upstream: Upstream
  /** The name that the upstream gave the tool. */
  readonly name: string
}

/** The tools of upstreams, by the names that the host sees. */
export type ToolRoutes = Map<string, ToolRoute>

type CallRoute = (
  route: ToolRoute,
  args: unknown,
  ctx: ServerContext,
) => Promise<CallToolResult | InputRequiredResult>

/**
 * Sends the calls of upstream tools past the SDK's own handler. That handler checks arguments before the upstream sees them,
 * and turns every error into a result, but a call of an upstream must pass unchanged.
 *
 * Must be called before the first tool is registered, because the SDK sets its handler then.
 */
export function routeToolCalls({ server }: McpServer, routes: ToolRoutes, call: CallRoute): void {
  const set: unknown = server.setRequestHandler.bind(server)
  if (!isFunction(set)) return
  const setRequestHandler = (method: string, ...rest: readonly unknown[]): unknown => {
    const [handler] = rest
    if (method !== 'tools/call' || !isFunction(handler)) return set(method, ...rest)
    return set(method, (request: { readonly params: unknown }, ctx: ServerContext) => {
      const { name, arguments: args }: { name?: unknown; arguments?: unknown } = Object(request.params)
      const route = typeof name === 'string' ? routes.get(name) : undefined
      return route === undefined ? handler(request, ctx) : call(route, args, ctx)
    })
  }
  Object.defineProperty(server, 'setRequestHandler', { value: setRequestHandler })
}

function isFunction(value: unknown): value is (...all: unknown[]) => unknown {
  return typeof value === 'function'
}
