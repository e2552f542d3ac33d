import type { FetchLike } from '../fetch/index.js'
import type { AnswerResult, Approval } from '../ledger/index.js'
import { type ApprovalAnswer, readAnswer } from '../pay/index.js'
import { isObject } from '../util/objects.js'
import { runCommand } from './command.js'
import type { Notification } from './notification.js'
import { NotDelivered, post, type Received } from './sending.js'
import { ntfyRequest, type ServiceRequest, slackRequest, telegramRequest } from './services.js'
import { isReplySignature, messageSignature, SIGNATURE_HEADER } from './signature.js'
import type { NotifyTarget, UrlTarget } from './targets.js'

/** A question that a receiver may answer. */
export interface OpenQuestion {
  readonly approval: Approval
  answer(answer: ApprovalAnswer): Promise<AnswerResult>
}

/** A message on its way. */
export interface Delivery {
  readonly message: Notification
  readonly question?: OpenQuestion | undefined
}

/** Names a target for people. Its address stays out, because it may be a secret. */
export function nameOf(target: NotifyTarget): string {
  if ('url' in target) return `the URL at ${new URL(target.url).host}`
  if ('command' in target) return `the command ${target.command[0] ?? ''}`
  if ('ntfy' in target) return `ntfy at ${new URL(target.ntfy).host}`
  return 'slack' in target ? 'Slack' : 'Telegram'
}

/**
 * Sends one message to one target.
 *
 * @throws NotDelivered
 */
export async function deliver(
  target: NotifyTarget,
  delivery: Delivery,
  fetch: FetchLike,
  signal: AbortSignal,
): Promise<void> {
  const { message } = delivery
  if ('command' in target) return runCommand(target.command, `${JSON.stringify(message)}\n`, signal)
  if ('url' in target) return deliverToUrl(target, delivery, fetch, signal)
  await post({ ...requestTo(target, message), fetch, signal })
}

function requestTo(
  target: Exclude<NotifyTarget, UrlTarget | { readonly command: unknown }>,
  message: Notification,
): ServiceRequest {
  if ('ntfy' in target) return ntfyRequest(target, message)
  return 'slack' in target ? slackRequest(target, message) : telegramRequest(target, message)
}

async function deliverToUrl(
  { url, secret, mayAnswer = false }: UrlTarget,
  { message, question }: Delivery,
  fetch: FetchLike,
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify(message)
  const asked = mayAnswer ? question : undefined
  const received = await post({
    url,
    headers: { [SIGNATURE_HEADER]: messageSignature(secret, body, Date.now()) },
    body,
    fetch,
    signal,
    // A person may need the whole time of the question.
    patienceMs: asked === undefined ? undefined : Math.max(1000, asked.approval.expires - Date.now()),
  })
  if (asked !== undefined) await takeAnswer(received, secret, asked)
}

/** Stores the answer in a reply. A reply without a body is no answer. */
async function takeAnswer(
  { headers, text }: Received,
  secret: string,
  { approval, answer: store }: OpenQuestion,
): Promise<void> {
  if (text === undefined) throw new NotDelivered('its reply was too long or broke off', false)
  if (text.trim() === '') return
  if (!isReplySignature(headers.get(SIGNATURE_HEADER), secret, approval, text))
    throw new NotDelivered('its reply has no valid signature, so it answers nothing', false)
  const answer = readAnswer(answerIn(text))
  if (answer === undefined)
    throw new NotDelivered('its reply is no answer: { approved: true or false, by: a name }', false)
  const result = await store(answer)
  if (!result.ok) throw new NotDelivered(`its answer does not count: ${result.message ?? result.why}`, false)
}

/** Returns the parts of a reply that an answer may have. `remember` is not among them: it is for a person who sees limits. */
function answerIn(text: string): unknown {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(given)) return undefined
  const { approved, by, note, proof }: Readonly<Record<string, unknown>> = given
  return { approved, by, note, ...(proof === undefined ? {} : { proof }) }
}
