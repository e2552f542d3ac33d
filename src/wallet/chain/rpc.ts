import { PaymentError } from '../../errors/index.js'
import { readText } from '../../protocol/index.js'
import { untilAborted } from '../../util/until-aborted.js'

/** Advice about a failing node. */
const MEND = 'Check `rpc` of the wallet: it can name another node, or several'

export interface Node {
  /** @throws PaymentError `wallet_unavailable` if it does not answer, or answers with an error. */
  call(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown>
}

/** The time limit for the whole answer in milliseconds, from the request to the end of its body. */
const TIMEOUT_MS = 10_000
const MIB = 1024 * 1024
/** The size limit for an answer that holds a number, a word or a transaction. */
const MOST_MIB = 0.25
/** The size limit for lists: a block of 60,000 transactions, or about 5,000 logs. No request needs more. */
const MOST_MIB_OF_LISTS = 4
const LISTS: ReadonlySet<string> = new Set([
  'eth_getLogs',
  'eth_getBlockByNumber',
  'eth_getTransactionReceipt',
  'eth_getTransactionByHash',
  'eth_sendRawTransactionSync',
])

/**
 * Creates a JSON-RPC node for a URL. Its errors contain the method only: URLs may contain keys, and bodies contain
 * signed transactions.
 */
export function node(url: string, fetch: typeof globalThis.fetch): Node {
  let id = 0
  return {
    async call(method, params, signal) {
      const timeout = AbortSignal.timeout(TIMEOUT_MS)
      const reply = await post(fetch, url, { jsonrpc: '2.0', id: ++id, method, params }, method, [
        timeout,
        ...(signal ? [signal] : []),
      ])
      if (typeof reply === 'object' && reply !== null) {
        if ('error' in reply && reply.error !== undefined && reply.error !== null)
          throw refused(method, codeOf(reply.error))
        if ('result' in reply) return reply.result
      }
      throw unavailable(method)
    },
  }
}

async function post(
  fetch: typeof globalThis.fetch,
  url: string,
  body: unknown,
  method: string,
  signals: readonly AbortSignal[],
): Promise<unknown> {
  const signal = AbortSignal.any([...signals])
  const limits = { bytes: mostOf(method) * MIB, patienceMs: TIMEOUT_MS }
  let long = false
  let unreached = false
  try {
    const asking = fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal,
    })
    const said = await readText(await untilAborted(asking, signal, { onLate: cancelBody }), limits, signal)
    if ('text' in said) return JSON.parse(said.text)
    long = said.unread === 'long'
  } catch (error) {
    // The cause would quote the URL or the body.
    unreached = isUnreached(error)
  }
  const failure = long ? tooLong(method) : unavailable(method)
  if (unreached) neverReached.add(failure)
  throw failure
}

const neverReached = new WeakSet<object>()
/** Error codes of the operating system before a connection exists: no byte of the request was sent. */
const UNREACHED: readonly unknown[] = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]

/** Marks an error as one that came before anything but a query was sent. */
export function markUnsent<E extends object>(failure: E): E {
  neverReached.add(failure)
  return failure
}

/** Creates the error for a node that is not used, with its reason. */
export const unfit = (message: string): PaymentError =>
  new PaymentError('wallet_unavailable', 'untouched', message)

/** Tells whether this error proves that a node received nothing. */
export function hasReachedNobody(error: unknown): boolean {
  return typeof error === 'object' && error !== null && neverReached.has(error)
}

/** A host with several addresses fails once for each. */
function isUnreached(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { cause } = error
  const failures: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause]
  return (
    failures.length > 0 &&
    failures.every((each) => each instanceof Error && 'code' in each && UNREACHED.includes(each.code))
  )
}

/** Frees an answer that comes after the abort, from a `fetch` that ignores its signal. */
function cancelBody({ body }: Response): void {
  body?.cancel().catch(() => undefined)
}

function mostOf(method: string): number {
  return LISTS.has(method) ? MOST_MIB_OF_LISTS : MOST_MIB
}

function tooLong(method: string): PaymentError {
  const most = `${mostOf(method)} MiB`
  return new PaymentError(
    'wallet_unavailable',
    'untouched',
    `The chain's node answered ${method} with more than ${most}. ${MEND}`,
  )
}

function unavailable(method: string): PaymentError {
  return new PaymentError(
    'wallet_unavailable',
    'untouched',
    `The chain's node did not answer ${method}. ${MEND}`,
  )
}

/** Reports the node's error code only, because its text may quote the request. */
function refused(method: string, code: number | undefined): PaymentError {
  const detail = code === undefined ? '' : ` (${code})`
  return new PaymentError(
    'wallet_unavailable',
    'untouched',
    `The chain's node refused ${method}${detail}. ${MEND}`,
  )
}

function codeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'number' ? error.code : undefined
}

export async function ask(
  nodes: readonly Node[],
  method: string,
  params: readonly unknown[],
  signal?: AbortSignal,
): Promise<unknown> {
  let failure: unknown
  for (const each of nodes) {
    try {
      return await each.call(method, params, signal)
    } catch (error) {
      failure = error
    }
  }
  throw failure ?? unavailable(method)
}
