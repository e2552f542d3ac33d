import { PaymentError } from '../../errors/index.js'

/** One node of a chain. */
export interface Node {
  /** @throws PaymentError `wallet_unavailable` if it does not answer, or answers with an error. */
  call(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown>
}

const TIMEOUT_MS = 10_000

/**
 * A JSON-RPC node behind a URL. Errors carry the method and nothing else: URLs hold keys, and bodies hold signed
 * transactions.
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
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.any([...signals]),
    })
    return await response.json()
  } catch {
    // The cause would quote the URL or the body.
    throw unavailable(method)
  }
}

function unavailable(method: string): PaymentError {
  return new PaymentError('wallet_unavailable', 'untouched', `The chain's node did not answer ${method}`)
}

/** The node's own text may quote what it was sent, so its code must do. */
function refused(method: string, code: number | undefined): PaymentError {
  const detail = code === undefined ? '' : ` (${code})`
  return new PaymentError('wallet_unavailable', 'untouched', `The chain's node refused ${method}${detail}`)
}

function codeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'number' ? error.code : undefined
}

/** Asks one node after the other, until one answers. */
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
