import type { RequestOptions } from '@modelcontextprotocol/client'
import {
  type CallToolResult,
  fromJsonSchema,
  type JsonSchemaType,
  type McpServer,
  ResourceTemplate,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { clean } from '../../errors/index.js'
import { isObject } from '../../util/objects.js'
import { pendingAnswer } from './answer.js'
import { keyOf } from './calls.js'
import { hostOf } from './elicitation.js'
import { howToAnswer, waitFor } from './paid-call.js'
import { withProgress } from './progress.js'
import type { Toolbox } from './toolbox.js'
import type { Upstream } from './upstream.js'

/** A registration that ends when the upstream's offers change. */
interface Registered {
  remove(): void
}

/** The longest time of a call. A host that waits less ends the call itself. */
const LONGEST_CALL_MS = 3_600_000

/**
 * Offers the tools, resources and prompts of the upstream servers to a host without a change, and follows their
 * updates.
 *
 * @param own - The names of Purser's tools. An upstream cannot replace them.
 */
export function registerUpstreams(server: McpServer, toolbox: Toolbox, own: readonly string[]): void {
  const names = new Map<Upstream, Set<string>>()
  const others = (upstream: Upstream): readonly string[] => [
    ...own,
    ...[...names].flatMap(([other, used]) => (other === upstream ? [] : [...used])),
  ]
  const stops = toolbox.upstreams.map((upstream) => {
    let registered: readonly Registered[] = []
    const register = (): void => {
      for (const one of registered) one.remove()
      const taken = others(upstream)
      registered = [
        ...registerTools(server, toolbox, upstream, taken),
        ...registerReadables(server, upstream),
        ...registerPrompts(server, upstream),
      ]
      names.set(upstream, new Set(upstream.lists.tools.map(({ name }) => nameOf(name, upstream, taken))))
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

/** Returns the name of a tool. It is unchanged, unless another tool has the same name. */
function nameOf(name: string, { name: upstream }: Upstream, taken: readonly string[]): string {
  return taken.includes(name) ? `${upstream}_${name}` : name
}

function registerTools(
  server: McpServer,
  toolbox: Toolbox,
  upstream: Upstream,
  taken: readonly string[],
): readonly Registered[] {
  return upstream.lists.tools.map(({ name, inputSchema, outputSchema, ...about }) =>
    server.registerTool(
      nameOf(name, upstream, taken),
      {
        ...defined(about),
        inputSchema: schemaOf(inputSchema),
        ...(outputSchema === undefined ? {} : { outputSchema: schemaOf(outputSchema) }),
      },
      (args, ctx) => withProgress(ctx, () => callTool(server, toolbox, upstream, { name, args }, ctx)),
    ),
  )
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
      .catch((error: unknown) => failure(upstream, error))
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

/** Returns the result of a failed call. The reasons of a refusal are in the data of the error. */
function failure(upstream: Upstream, error: unknown): CallToolResult {
  const data: unknown = isObject(error) || error instanceof Error ? Reflect.get(error, 'data') : undefined
  const reasons = isObject(data) && Array.isArray(data['reasons']) ? data['reasons'] : []
  const lines = reasons.map((reason) => (isObject(reason) ? clean(String(reason['message'])) : ''))
  if (isObject(data) && Array.isArray(data['challenges'])) lines.push(notPaid(upstream))
  const funds = isObject(data) && typeof data['funds'] === 'string' ? ` Money: ${data['funds']}.` : ''
  const message = error instanceof Error ? clean(error.message, 600) : 'The call failed.'
  return {
    content: [{ type: 'text', text: [`${upstream.name}: ${message}${funds}`, ...new Set(lines)].join('\n') }],
    isError: true,
  }
}

/**
 * Returns the sentence for a demand for payment that policy or wallets can never pay. The transport passes on only
 * such demands.
 */
function notPaid({ name }: Upstream): string {
  return `Nothing was paid: the spending policy does not list the vendor mcp:${name}, or no wallet here can pay its offers.`
}

function registerReadables(server: McpServer, upstream: Upstream): readonly Registered[] {
  const { resources, templates } = upstream.lists
  const read = (uri: URL, ctx: ServerContext) =>
    upstream.call(server, (client) =>
      client.readResource({ uri: uri.href }, optionsOf(ctx, ctx.mcpReq.signal)),
    )
  return [
    ...resources.flatMap(({ uri, name, ...about }) =>
      unlessTaken(() => server.registerResource(name, uri, defined(about), read)),
    ),
    ...templates.flatMap(({ uriTemplate, name, ...about }) =>
      unlessTaken(() =>
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
    return unlessTaken(() =>
      server.registerPrompt(
        name,
        { ...defined({ title, description }), argsSchema },
        (args: unknown, ctx: ServerContext) =>
          upstream.call(server, (client) =>
            client.getPrompt({ name, arguments: textsOf(args) }, optionsOf(ctx, ctx.mcpReq.signal)),
          ),
      ),
    )
  })
}

function textsOf(args: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(Object(args)).map(([name, value]) => [name, String(value)]))
}

/** Registers an address or a prompt, unless an earlier server already has it. */
function unlessTaken(register: () => Registered): readonly Registered[] {
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
