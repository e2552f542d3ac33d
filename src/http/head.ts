import type { RefusalProblem } from '../pay/index.js'

/** The head of an HTTP reply, from any transport. */
export interface Head {
  readonly status: number
  header(name: string): string | undefined
}

/** Whether `fetch` follows this status. */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/** Whether a redirect with this status turns the method into GET, without a body (Fetch, HTTP-redirect fetch, 12). */
export function becomesGet(status: number, method: string): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD'
  return (status === 301 || status === 302) && method === 'POST'
}

/** Whether the body may contain a problem: only JSON of an error can. */
export function mayHoldProblem(head: Head): boolean {
  return head.status >= 400 && /[/+]json\b/i.test(head.header('content-type') ?? '')
}

/** The parts of an HTTP reply that is a refusal. */
export interface RefusalReply {
  readonly status: number
  readonly statusText: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Writes a refusal as an HTTP reply. It tells SDKs not to retry, because the answer would be the same. */
export function refusalReply(problem: RefusalProblem): RefusalReply {
  return {
    status: 402,
    // Some SDKs show only this text. The code is one of Purser's, so it is plain ASCII.
    statusText: `Payment refused (${problem.code})`,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-should-retry': 'false',
    },
    body: JSON.stringify({ ...problem, status: 402 }, (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    ),
  }
}
