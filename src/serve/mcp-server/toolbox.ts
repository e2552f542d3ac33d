import type { CallToolResult, GetPromptResult, ReadResourceResult } from '@modelcontextprotocol/server'
import type { Purser } from '../../index.js'
import type { FetchAnswer } from './answer.js'
import type { Approvals } from './approvals.js'
import { Bodies } from './bodies.js'
import { PayingCalls } from './calls.js'
import type { Upstream } from './upstream.js'

/** The options of an MCP server, from the program that starts it. No call can change them. */
export interface McpServerOptions {
  readonly purser: Purser
  /** The agent for which the purser pays. A model sees only the payments of this agent. */
  readonly agent: string
  /** The symbol of the policy's unit, for example `USD`. */
  readonly symbol: string
  /** The policy as data, for reading. */
  readonly policy: unknown
  /**
   * Returns whether the policy names the origin of this address. An origin that only a wildcard covers is not named.
   */
  readonly lists: (url: URL) => boolean
  readonly version: string
  /** The approver of the purser. */
  readonly approvals: Approvals
  /** The folder for files, if the user allowed one. */
  readonly folder?: string | undefined
  /** Servers whose tools, resources and prompts are also offered, and paid for. @default none */
  readonly upstreams?: readonly Upstream[] | undefined
  /** How long a call waits for a person, in milliseconds. @default 25_000 */
  readonly personMs?: number | undefined
}

/**
 * The state that all connections of one process share: bodies that are read in parts, and calls that wait for a person.
 */
export interface Toolbox extends McpServerOptions {
  readonly bodies: Bodies
  readonly calls: PayingCalls<FetchAnswer>
  /** Calls of upstream servers. */
  readonly upstreamCalls: UpstreamCalls
  readonly upstreams: readonly Upstream[]
}

/** The calls of upstream servers, by their kind. */
export interface UpstreamCalls {
  readonly tools: PayingCalls<CallToolResult>
  readonly resources: PayingCalls<ReadResourceResult>
  readonly prompts: PayingCalls<GetPromptResult>
}

export function toolboxOf(options: McpServerOptions): Toolbox {
  const { approvals, personMs, folder, upstreams = [] } = options
  return {
    ...options,
    upstreams,
    bodies: new Bodies(folder),
    calls: new PayingCalls(approvals, personMs),
    upstreamCalls: {
      tools: new PayingCalls(approvals, personMs),
      resources: new PayingCalls(approvals, personMs),
      prompts: new PayingCalls(approvals, personMs),
    },
  }
}
