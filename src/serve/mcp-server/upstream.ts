import { AsyncLocalStorage } from 'node:async_hooks'
import {
  Client,
  type Prompt,
  type Resource,
  type ResourceTemplateType,
  StreamableHTTPClientTransport,
  type Tool,
} from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import type { Purser } from '../../index.js'
import { payingClient } from '../../mcp/index.js'
import type { Caller } from './upstream-caller.js'

/** The place of an upstream server: an address, or a command with its arguments. */
export type UpstreamPlace =
  | { readonly url: URL }
  | { readonly command: string; readonly args: readonly string[] }

export interface UpstreamOptions {
  /** The name of this server in the policy. `search` is the vendor `mcp:search`. */
  readonly name: string
  readonly place: UpstreamPlace
  readonly purser: Purser
  readonly version: string
  /** Prints a sentence for the operator. */
  readonly tell: (sentence: string) => void
}

/** The offers of an upstream server. */
export interface UpstreamLists {
  readonly tools: readonly Tool[]
  readonly resources: readonly Resource[]
  readonly templates: readonly ResourceTemplateType[]
  readonly prompts: readonly Prompt[]
}

const NOTHING: UpstreamLists = { tools: [], resources: [], templates: [], prompts: [] }

/** A server whose tools, resources and prompts are offered to the host, and paid for inside the policy. */
export class Upstream {
  readonly name: string
  readonly #options: UpstreamOptions
  readonly #listeners = new Set<() => void>()
  #client: Promise<Client> | undefined
  #lists = NOTHING
  #closing = false
  /** The hosts of the calls that are running, the newest last. */
  readonly #running: Caller[] = []
  readonly #callers = new AsyncLocalStorage<Caller>()

  constructor(options: UpstreamOptions) {
    this.name = options.name
    this.#options = options
  }

  get lists(): UpstreamLists {
    return this.#lists
  }

  /** Calls the listener when the tools, resources or prompts change. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Connects and reads the lists. A server that cannot be reached offers nothing, and the other servers continue. */
  async start(): Promise<void> {
    try {
      await this.#refresh(await this.#connected())
    } catch {
      this.#options.tell(`the upstream server ${this.name} cannot be reached: its tools are missing`)
    }
  }

  /** Runs a call of a host. If the server has ended, it is started again. */
  async call<T>(caller: Caller, work: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#connected()
    this.#running.push(caller)
    try {
      return await this.#callers.run(caller, () => work(client))
    } finally {
      this.#running.splice(this.#running.lastIndexOf(caller), 1)
    }
  }

  async close(): Promise<void> {
    this.#closing = true
    const client = await this.#client?.catch(() => undefined)
    await client?.close()
  }

  #connected(): Promise<Client> {
    this.#client ??= this.#connect().catch((error: unknown) => {
      this.#client = undefined
      throw error
    })
    return this.#client
  }

  async #connect(): Promise<Client> {
    const { name, purser, version, tell, place } = this.#options
    const client = new Client(
      { name: 'purser', version },
      {
        capabilities: { sampling: {}, elicitation: {} },
        versionNegotiation: { mode: 'url' in place ? 'auto' : 'legacy' },
      },
    )
    const refresh = (): Promise<void> => this.#refresh(client)
    client.setNotificationHandler('notifications/tools/list_changed', refresh)
    client.setNotificationHandler('notifications/resources/list_changed', refresh)
    client.setNotificationHandler('notifications/prompts/list_changed', refresh)
    client.setRequestHandler('sampling/createMessage', ({ params }) => this.#caller().sample(params))
    client.setRequestHandler('elicitation/create', ({ params }) => this.#caller().elicit(params))
    client.onclose = () => {
      this.#client = undefined
      if (!this.#closing) tell(`the upstream server ${name} has ended; the next call starts it again`)
    }
    // Another part of the program reports errors of single calls.
    client.onerror = () => undefined
    const inner =
      'url' in place
        ? new StreamableHTTPClientTransport(place.url, { fetch: purser.fetch })
        : new StdioClientTransport({ command: place.command, args: [...place.args], stderr: 'inherit' })
    const paying = payingClient(client, purser, { server: name })
    await paying.connect(inner)
    return paying
  }

  /**
   * Returns the host that a request of the server is for. Over HTTP it is known from the stream. Over stdio a request does not
   * name the call that it belongs to, so all running calls must be of one host: another host must not see the request.
   */
  #caller(): Caller {
    const own = this.#callers.getStore()
    if (own !== undefined && this.#running.includes(own)) return own
    const newest = this.#running.at(-1)
    if (newest === undefined) throw new TypeError('No call is under way for which a host could be asked')
    if (this.#running.some(({ connection }) => connection !== newest.connection))
      throw new TypeError(
        'Calls of several hosts are under way, and the request does not say to which of them it belongs',
      )
    return newest
  }

  async #refresh(client: Client): Promise<void> {
    const { tools, resources, prompts } = client.getServerCapabilities() ?? {}
    const [listed, read, templates, asked] = await Promise.all([
      tools === undefined ? [] : client.listTools().then((all) => all.tools),
      resources === undefined ? [] : client.listResources().then((all) => all.resources),
      resources === undefined ? [] : client.listResourceTemplates().then((all) => all.resourceTemplates),
      prompts === undefined ? [] : client.listPrompts().then((all) => all.prompts),
    ])
    this.#lists = { tools: listed, resources: read, templates, prompts: asked }
    for (const listener of this.#listeners) listener()
  }
}
