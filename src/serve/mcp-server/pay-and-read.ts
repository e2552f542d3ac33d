import { fundsOf } from '../../errors/index.js'
import type { Outcome, PayingInit, Payment } from '../../index.js'
import { addressProblem } from './address.js'
import { errorAnswer, type FetchAnswer, failed, refusedAnswer } from './answer.js'
import type { ShownBody } from './bodies.js'
import { paymentFacts } from './facts.js'
import { headerProblem } from './headers.js'
import { readReply } from './read-reply.js'
import type { PaidFetchInput } from './schemas.js'
import type { Toolbox } from './toolbox.js'
import { cleanText } from './vendor-text.js'

/** The most bytes of a body that are read. */
const MOST_BYTES = 32 * 1024 * 1024
/** How long the reading of a body may take. An event stream may never end, and each of its parts may cost money. */
const BODY_MS = 40_000

/** Returns what is wrong with a request, before it is sent. */
export async function requestProblem(
  { url, headers = {} }: Pick<PaidFetchInput, 'url' | 'headers'>,
  { lists }: Pick<Toolbox, 'lists'>,
): Promise<string | undefined> {
  const at = new URL(url)
  return headerProblem(headers) ?? (await addressProblem(at, lists(at)))
}

/** Returns the refusal of a request that a tool may not send. */
export function notSent(problem: string): FetchAnswer {
  return refusedAnswer(
    'not_sent',
    [{ rule: 'request', message: `The request was not sent: ${problem}.` }],
    undefined,
  )
}

/** Makes the call, inside the policy, and reads the reply. */
export async function payAndRead(
  input: PaidFetchInput,
  toolbox: Toolbox,
  signal: AbortSignal,
): Promise<FetchAnswer> {
  const { purser } = toolbox
  const { url, method = 'GET' } = input
  const problem = await requestProblem(input, toolbox)
  if (problem !== undefined) return notSent(problem)
  let reply: Response
  try {
    reply = await purser.fetch(url, initOf(input, method, signal))
  } catch (error) {
    const outcome = typeof error === 'object' && error !== null ? purser.paymentFor(error) : undefined
    if (error instanceof TypeError && error.message.includes('maxAmount'))
      return failed('usage', 'untouched', error.message)
    return errorAnswer(error, outcome)
  }
  const outcome = purser.paymentFor(reply)
  if (outcome?.state === 'refused') {
    await reply.body?.cancel()
    return refusedAnswer(outcome.code, outcome.reasons, outcome.payment)
  }
  if (outcome?.state === 'not_paid') {
    await reply.body?.cancel()
    return refusedAnswer('not_paid', outcome.reasons, undefined)
  }
  return readAnswer(reply, outcome, toolbox)
}

function initOf(
  { headers = {}, body, max, task }: PaidFetchInput,
  method: string,
  signal: AbortSignal,
): PayingInit {
  const isText = typeof body === 'string'
  const typed = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
  return {
    method,
    headers:
      body === undefined || isText || typed ? headers : { ...headers, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    // Each address is checked before it is called. So a redirect is not followed, and the model calls the next address
    // itself.
    redirect: 'manual',
    signal,
    payment: {
      tool: 'paid_fetch',
      ...(max === undefined ? {} : { maxAmount: max }),
      ...(task === undefined ? {} : { task }),
    },
  }
}

async function readAnswer(
  reply: Response,
  paid: Payment | undefined,
  { bodies, purser }: Toolbox,
): Promise<FetchAnswer> {
  const contentType = cleanText(reply.headers.get('content-type') ?? '').slice(0, 200)
  const { bytes, cut } = await readReply(reply.body, MOST_BYTES, BODY_MS)
  const shown = await bodies.show(bytes, contentType)
  // If the reply is a stream, its reading may have paid more.
  const payment = paid === undefined ? undefined : currentPayment(purser.paymentFor(reply), paid)
  const lacks = missing(bytes, shown, cut)
  const location = reply.headers.get('location')
  const delivered = payment === undefined || payment.delivered
  const funds = payment === undefined ? 'untouched' : fundsOf(payment)
  return {
    output: {
      outcome: delivered ? 'delivered' : 'failed',
      funds,
      status: reply.status,
      contentType: contentType === '' ? undefined : contentType,
      location: location === null ? undefined : cleanText(location).slice(0, 2_000),
      body: shown.text,
      truncated: lacks,
      next: shown.next?.uri,
      file: shown.file,
      payment: payment === undefined ? undefined : paymentFacts(payment),
    },
    says: [
      `Status ${reply.status}.`,
      payment === undefined ? 'Nothing had to be paid.' : paidWords(payment),
      ...(delivered
        ? []
        : ['The server did not deliver what was paid for. Do not repeat the call; tell the person.']),
      ...(lacks === undefined ? [] : [lacks]),
    ].join(' '),
  }
}

function currentPayment(outcome: Outcome | undefined, before: Payment): Payment {
  return outcome !== undefined && 'live' in outcome ? outcome : before
}

function paidWords(payment: Payment): string {
  const { price, fee, vendor, id } = paymentFacts(payment)
  return `Paid ${price}${fee === undefined ? '' : ` and a fee of ${fee}`} to ${vendor} (payment ${id}).`
}

/** Describes the part of the body that is not in the answer, and how it can be read. */
function missing(
  bytes: Uint8Array,
  { text, next, file }: ShownBody,
  cut: string | undefined,
): string | undefined {
  const parts = [
    cut === 'size' ? `Only the first ${bytes.byteLength} bytes of the body were read.` : undefined,
    cut === 'time' ? `The body did not end in ${BODY_MS / 1000} s, and its reading was stopped.` : undefined,
    cut === 'failed' ? 'The body broke off.' : undefined,
    next === undefined
      ? undefined
      : `This is part 1 of ${next.parts} of the body. Read on with the resource ${next.uri}.`,
    text === undefined && file === undefined
      ? `The body is no text (${bytes.byteLength} bytes), and it is not shown: the user has allowed no folder for files (--save-to).`
      : undefined,
    file === undefined ? undefined : `The whole body is in the file ${file}.`,
  ].filter((part) => part !== undefined)
  return parts.length === 0 ? undefined : parts.join(' ')
}
