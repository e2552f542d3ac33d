import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  type ElicitRequestFormParams,
  inputResponse,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { clean } from '../../errors/index.js'
import { formatAmount } from '../../money/index.js'
import { isObject } from '../../util/objects.js'
import type { OpenQuestion } from './approvals.js'

/** The name of the question among the inputs of a call. */
export const QUESTION = 'approval'

/** The host of a call. */
export interface Host {
  /** The name that the host gives itself. */
  readonly name: string
  /** Whether it declares that it can ask its user. */
  readonly elicits: boolean
  /** Whether it declares that it can ask its model. */
  readonly samples: boolean
  /**
   * Whether the host uses the stateless revision. There the server cannot ask. The host calls again with the answer.
   */
  readonly stateless: boolean
}

/** Reads the host's data from its call. */
export function hostOf({ server }: McpServer, { mcpReq }: ServerContext): Host {
  const envelope: Readonly<Record<string, unknown>> = { ...mcpReq.envelope }
  const declared = envelope[CLIENT_CAPABILITIES_META_KEY] ?? server.getClientCapabilities()
  const info = envelope[CLIENT_INFO_META_KEY] ?? server.getClientVersion()
  const elicitation = isObject(declared) ? declared['elicitation'] : undefined
  // In the older revisions, `{}` means forms. A host that only opens addresses has `{ url: {} }`.
  const forms = isObject(elicitation) && (Object.keys(elicitation).length === 0 || 'form' in elicitation)
  const name = isObject(info) && typeof info['name'] === 'string' ? clean(info['name'], 60) : 'a host'
  const samples = isObject(declared) && isObject(declared['sampling'])
  return { name, elicits: forms, samples, stateless: mcpReq.envelope !== undefined }
}

/**
 * Returns the question as a form. The person must tick the box, so an empty answer of a machine does not count as a
 * yes.
 */
export function formOf({ request }: OpenQuestion): ElicitRequestFormParams {
  const { agent, resource, terms, reasons, serverSays } = request
  const fee = terms.fee === undefined ? '' : `, and a network fee of at most ${formatAmount(terms.fee.bound)}`
  const lines = [
    `The agent "${clean(agent, 60)}" wants to pay ${formatAmount(terms.most)}${fee}.`,
    `To: ${resource.vendor}`,
    `For: ${clean(resource.operation)}`,
    ...(terms.locks === undefined ? [] : [`It locks a deposit of ${formatAmount(terms.locks)}.`]),
    ...terms.payees.map(({ id }) => `Payee: ${id}`),
    ...reasons.map(({ message }) => `Purser asks because: ${message}`),
    ...(serverSays === undefined ? [] : [`The vendor says (not checked): "${clean(serverSays)}"`]),
  ]
  return {
    mode: 'form',
    message: lines.join('\n'),
    requestedSchema: {
      type: 'object',
      properties: { approve: { type: 'boolean', title: 'Pay this', default: false } },
      required: ['approve'],
    },
  }
}

/**
 * Sends the question to a host that keeps a connection, and continues when the host answers. The host can answer until
 * the question ends, also after the call that asked.
 *
 * @returns A promise of true if the host replied without an answer of a person: it declined, failed or cannot ask.
 */
export async function askHost(
  question: OpenQuestion,
  { mcpReq }: ServerContext,
  { name }: Host,
): Promise<boolean> {
  const timeout = Math.max(1_000, Math.min(question.request.expires - Date.now(), 2_147_483_647))
  try {
    const answer = await mcpReq.elicitInput(formOf(question), { timeout, signal: question.ended })
    return !take(question, answer.action, answer.content, name)
  } catch {
    return true
  }
}

/**
 * Takes the answer that a host of the stateless revision sends with its next call. The state that the host repeats
 * shows which question was answered. A yes to an older question does not count for this one.
 *
 * @returns True if it was a person's answer.
 */
export function takeAnswer(question: OpenQuestion, { mcpReq }: ServerContext, { name }: Host): boolean {
  if (mcpReq.requestState() !== question.id) return false
  const answer = inputResponse(mcpReq.inputResponses, QUESTION)
  return answer.kind === 'elicit' && take(question, answer.action, answer.content, name)
}

/**
 * Takes an answer of a host. Only a form that was sent counts. A decline does not count as a person's no, because hosts
 * decline by themselves.
 */
function take(question: OpenQuestion, action: string, content: unknown, name: string): boolean {
  const approve = isObject(content) ? content['approve'] : undefined
  if (action !== 'accept' || typeof approve !== 'boolean') return false
  question.answer({ approved: approve, by: `user of ${name}` })
  return true
}
