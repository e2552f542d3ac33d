import type { Client, RequestOptions } from '@modelcontextprotocol/client'
import {
  type CallToolResult,
  fromJsonSchema,
  type InputRequiredResult,
  type JsonSchemaType,
  type McpServer,
  ProtocolError,
  ResourceTemplate,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { isObject } from '../../util/objects.js'
import { pendingAnswer } from './answer.js'
import { keyOf, type PayingCalls } from './calls.js'
import { type CallEnd, type HostCall, runCall } from './paid-call.js'
import { withProgress } from './progress.js'
import { routeToolCalls, type ToolRoutes } from './tool-routes.js'
import type { Toolbox } from './toolbox.js'
import type { Upstream } from './upstream.js'
import { callerOf } from './upstream-caller.js'
import { failedCall, NOT_PAID, passedError } from './upstream-error.js'

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
    withProgress(ctx, () => callTool(upstream, { name, args }, { server, toolbox, ctx })),
  )
  return () => {
    const stops = toolbox.upstreams.map((upstream) => {
      let registered: readonly Registered[] = []
      const register = (): void => {
        for (const one of registered) one.remove()
        for (const [name, route] of routes) if (route.upstream === upstream) routes.delete(name)
        registered = [
          ...registerTools(server, upstream, routes, own),
          ...registerReadables(server, toolbox, upstream),
          ...registerPrompts(server, toolbox, upstream),
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
  upstream: Upstream,
  { name, args }: { readonly name: string; readonly args: unknown },
  from: HostCall,
): Promise<CallToolResult | InputRequiredResult> {
  const params = { name, ...(isObject(args) ? { arguments: args } : {}) }
  const end = await pass(from.toolbox.upstreamCalls.tools, upstream, [name, args], from, (client, options) =>
    client.callTool(params, options),
  ).catch((error: unknown) => ({ kind: 'answered' as const, answer: failedCall(upstream.name, error) }))
  if (end.kind === 'input') return end.result
  if (end.kind === 'answered') return end.answer
  // The upstream defines the schema of the tool's answers. Only an error does not have to follow it.
  const { says } = pendingAnswer(end.question, end.how, `Call ${name} again`)
  return { content: [{ type: 'text', text: says }], isError: true }
}

/** Reads a resource or a prompt of an upstream in the same way. */
async function read<T>(
  calls: PayingCalls<T>,
  upstream: Upstream,
  key: unknown,
  from: HostCall,
  work: (client: Client, options: RequestOptions) => Promise<T>,
): Promise<T | InputRequiredResult> {
  const end = await pass(calls, upstream, key, from, work).catch((error: unknown) => {
    throw passedError(error)
  })
  if (end.kind === 'input') return end.result
  if (end.kind === 'answered') return end.answer
  const { says } = pendingAnswer(end.question, end.how, 'Ask again')
  throw new ProtocolError(NOT_PAID, says, { code: 'approval_pending', funds: 'held' })
}

/** Passes a call on to an upstream, and the requests of the upstream on to the host of the call. */
function pass<T>(
  calls: PayingCalls<T>,
  upstream: Upstream,
  key: unknown,
  from: HostCall,
  work: (client: Client, options: RequestOptions) => Promise<T>,
): Promise<CallEnd<T>> {
  return runCall(calls, keyOf([upstream.name, key]), from, (signal, ask, host) =>
    upstream.call(callerOf(from.server, host, from.ctx, ask), (client) =>
      work(client, optionsOf(from.ctx, signal)),
    ),
  )
}

function registerReadables(server: McpServer, toolbox: Toolbox, upstream: Upstream): readonly Registered[] {
  const { resources, templates } = upstream.lists
  const readAt = ({ href: uri }: URL, ctx: ServerContext) =>
    read(toolbox.upstreamCalls.resources, upstream, uri, { server, toolbox, ctx }, (client, options) =>
      client.readResource({ uri }, options),
    )
  return [
    ...resources.flatMap(({ uri, name, ...about }) =>
      ifPossible(() => server.registerResource(name, uri, defined(about), readAt)),
    ),
    ...templates.flatMap(({ uriTemplate, name, ...about }) =>
      ifPossible(() =>
        server.registerResource(
          `${upstream.name}: ${name}`,
          new ResourceTemplate(uriTemplate, { list: undefined }),
          defined(about),
          (uri, _, ctx) => readAt(uri, ctx),
        ),
      ),
    ),
  ]
}

function registerPrompts(server: McpServer, toolbox: Toolbox, upstream: Upstream): readonly Registered[] {
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
        (args: unknown, ctx: ServerContext) => {
          const params = { name, arguments: textsOf(args) }
          const { prompts } = toolbox.upstreamCalls
          return read(prompts, upstream, params, { server, toolbox, ctx }, (client, options) =>
            client.getPrompt(params, options),
          )
        },
      ),
    )
  })
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
