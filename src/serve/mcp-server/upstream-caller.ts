import {
  type CreateMessageRequestParams,
  type CreateMessageResult,
  type ElicitRequestParams,
  type ElicitResult,
  type McpServer,
  type ServerContext,
  specTypeSchemas,
} from '@modelcontextprotocol/server'
import type { AskHost } from './calls.js'
import type { Host } from './elicitation.js'

/** How long a host has for the answer to a request of an upstream, in milliseconds. A person may have to read it. */
const ANSWER_MS = 10 * 60_000

/** The host of a running call, for the requests of the upstream. */
export interface Caller {
  /** The same object for the calls of one connection. Over HTTP each call has a connection of its own. */
  readonly connection: object
  elicit(params: ElicitRequestParams): Promise<ElicitResult>
  sample(params: CreateMessageRequestParams): Promise<CreateMessageResult>
}

/**
 * Returns the host of a call. A host of the revision 2026-07-28 gets a request as the answer to its call, and calls again
 * with its own answer. Any other host gets it on the connection of the call.
 */
export function callerOf(server: McpServer, host: Host, { mcpReq }: ServerContext, ask: AskHost): Caller {
  const options = { timeout: ANSWER_MS, signal: mcpReq.signal }
  return {
    connection: server,
    async elicit(params) {
      if (!host.elicits) throw cannot('ask its user (elicitation)')
      if (!host.stateless) return mcpReq.elicitInput(params, options)
      const answer = await ask({ method: 'elicitation/create', params })
      const read = await specTypeSchemas.ElicitResult['~standard'].validate(answer)
      if (read.issues === undefined) return read.value
      throw unreadable('elicitation')
    },
    async sample(params) {
      if (!host.samples) throw cannot('ask its model (sampling)')
      const answer = host.stateless
        ? await ask({ method: 'sampling/createMessage', params })
        : await mcpReq.requestSampling(params, options)
      const read = await specTypeSchemas.CreateMessageResult['~standard'].validate(answer)
      if (read.issues === undefined) return read.value
      throw unreadable('sampling')
    },
  }
}

function cannot(what: string): Error {
  return new Error(
    `The host of this call does not declare that it can ${what}. If it can, it has to connect again`,
  )
}

function unreadable(what: string): Error {
  return new Error(`The answer of the host to the request for ${what} is malformed`)
}
