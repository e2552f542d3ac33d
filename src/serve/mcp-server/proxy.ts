import type { RequestOptions } from '@modelcontextprotocol/client'
import {
  type CallToolResult,
  fromJsonSchema,
  type JsonSchemaType,
  type McpServer,
  ResourceTemplate,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { isObject } from '../../util/objects.js'
import { pendingAnswer } from './answer.js'
import { keyOf } from './calls.js'
import { hostOf } from './elicitation.js'
import { howToAnswer, waitFor } from './paid-call.js'
import { withProgress } from './progress.js'
import { routeToolCalls, type ToolRoutes } from './tool-routes.js'
import type { Toolbox } from './toolbox.js'
import type { Upstream } from './upstream.js'
import { failedCall, passedError } from './upstream-error.js'

/** A registration that ends when the upstream's offers change. */
interface Registered {
  remove(): void
}

/** The longest time of a call. A host that waits less ends the call itself. */
const LONGEST_CALL_MS = 3_600_000

/**
 * Offers the tools, resources and prompts of the upstream servers to a host without a change, and follows their
 * updates. Must be called before the first tool of the server is registered.
 *
 * @param own - The names of Purser's tools. An upstream cannot replace them.
 * @returns A function that registers the offers. Purser's own tools are registered before, so that they come first.
 */
export function offerUpstreams(server: McpServer, toolbox: Toolbox, own: readonly string[]): () => void {
  const routes: ToolRoutes = new Map()
  routeToolCalls(server, routes, ({ upstream, name }, args, ctx) =>
    withProgress(ctx, () => callTool(server, toolbox, upstream, { name, args }, ctx)),
  )
  return () => {
    const stops = toolbox.upstreams.map((upstream) => {
      let registered: readonly Registered[] = []
      const register = (): void => {
        for (const one of registered) one.remove()
        for (const [name, route] of routes) if (route.upstream === upstream) routes.delete(name)
        registered = [
          ...registerTools(server, upstream, routes, own),
          ...registerReadables(server, upstream),
          ...registerPrompts(server, upstream),
        ]
      }
      register()
      return upstream.onChange(register)
    })
    const before = server.server.onclose
    server.server.onclose = () => {
      for (const stop of stops) stop()
      before?.()
    }
  }
}

/**
 * Lists the tools of an upstream. A tool keeps its name, unless another tool has it. A tool that the SDK cannot list is left
 * out, so that it takes no other tool down.
 */
function registerTools(
  server: McpServer,
  upstream: Upstream,
  routes: ToolRoutes,
  own: readonly string[],
): readonly Registered[] {
  return upstream.lists.tools.flatMap(({ name, inputSchema, outputSchema, ...about }) => {
    let shown = name
    while (own.includes(shown) || routes.has(shown)) shown = `${upstream.name}_${shown}`
    return ifPossible(() => {
      const registered = server.registerTool(
        shown,
        {
          ...defined(about),
          inputSchema: schemaOf(inputSchema),
          ...(outputSchema === undefined ? {} : { outputSchema: schemaOf(outputSchema) }),
        },
        // A call takes its route.
        () => ({ content: [] }),
      )
      routes.set(shown, { upstream, name })
      return registered
    })
  })
}

/** Calls a tool of an upstream. If a person must approve its price, the same call continues after the yes. */
async function callTool(
  server: McpServer,
  toolbox: Toolbox,
  upstream: Upstream,
  { name, args }: { readonly name: string; readonly args: unknown },
  ctx: ServerContext,
): Promise<CallToolResult> {
  const { upstreamCalls: calls } = toolbox
  const key = keyOf([upstream.name, name, args])
  const host = hostOf(server, ctx)
  const call = calls.take(key, host.elicits && !host.stateless, async (signal) => {
    const params = { name, ...(isObject(args) ? { arguments: args } : {}) }
    return upstream
      .call(server, (client) => client.callTool(params, optionsOf(ctx, signal)))
      .catch((error: unknown) => failedCall(upstream.name, error))
  })
  const { signal } = ctx.mcpReq
  const gone = (): void => {
    if (!call.abort(signal.reason)) calls.leave(key, call)
  }
  signal.addEventListener('abort', gone, { once: true })
  try {
    const state = await waitFor(call, { ...host, elicits: host.elicits && !host.stateless }, toolbox, ctx)
    if (state.kind === 'answered') return state.answer
    calls.leave(key, call)
    // The upstream defines the schema of the tool's answers. Only an error does not have to follow it.
    const { says } = pendingAnswer(state.question, howToAnswer(host, toolbox), `Call ${name} again`)
    return { content: [{ type: 'text', text: says }], isError: true }
  } finally {
    signal.removeEventListener('abort', gone)
  }
}

function registerReadables(server: McpServer, upstream: Upstream): readonly Registered[] {
  const { resources, templates } = upstream.lists
  const read = (uri: URL, ctx: ServerContext) =>
    upstream
      .call(server, (client) => client.readResource({ uri: uri.href }, optionsOf(ctx, ctx.mcpReq.signal)))
      .catch(rethrow)
  return [
    ...resources.flatMap(({ uri, name, ...about }) =>
      ifPossible(() => server.registerResource(name, uri, defined(about), read)),
    ),
    ...templates.flatMap(({ uriTemplate, name, ...about }) =>
      ifPossible(() =>
        server.registerResource(
          `${upstream.name}: ${name}`,
          new ResourceTemplate(uriTemplate, { list: undefined }),
          defined(about),
          (uri, _, ctx) => read(uri, ctx),
        ),
      ),
    ),
  ]
}

function registerPrompts(server: McpServer, upstream: Upstream): readonly Registered[] {
  return upstream.lists.prompts.flatMap(({ name, title, description, arguments: given = [] }) => {
    const argsSchema = schemaOf({
      type: 'object',
      properties: Object.fromEntries(
        given.map((one) => [one.name, { type: 'string', description: one.description ?? '' }]),
      ),
      required: given.filter((one) => one.required === true).map((one) => one.name),
    })
    return ifPossible(() =>
      server.registerPrompt(
        name,
        { ...defined({ title, description }), argsSchema },
        (args: unknown, ctx: ServerContext) =>
          upstream
            .call(server, (client) =>
              client.getPrompt({ name, arguments: textsOf(args) }, optionsOf(ctx, ctx.mcpReq.signal)),
            )
            .catch(rethrow),
      ),
    )
  })
}

function rethrow(error: unknown): never {
  throw passedError(error)
}

function textsOf(args: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(Object(args)).map(([name, value]) => [name, String(value)]))
}

/** Registers an offer, unless an earlier server has it, or the SDK cannot list it. */
function ifPossible(register: () => Registered): readonly Registered[] {
  try {
    return [register()]
  } catch {
    return []
  }
}

/** Returns a schema as the upstream wrote it. */
function schemaOf(schema: object) {
  const plain: JsonSchemaType = JSON.parse(JSON.stringify(schema))
  return fromJsonSchema(plain)
}

/** Returns a copy without the members that are undefined. */
function defined<T extends object>(record: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return JSON.parse(JSON.stringify(record))
}

/** Returns the options of a call. They pass on the upstream's progress as progress of the call. */
function optionsOf({ mcpReq }: ServerContext, signal: AbortSignal): RequestOptions {
  const progressToken = mcpReq._meta?.progressToken
  return {
    signal,
    timeout: LONGEST_CALL_MS,
    ...(progressToken === undefined
      ? {}
      : {
          onprogress: (progress) =>
            void mcpReq
              .notify({ method: 'notifications/progress', params: { ...progress, progressToken } })
              .catch(() => undefined),
        }),
  }
}
