import type { RefusalProblem } from '../pay/index.js'

/** The head of an HTTP reply, however the transport holds it. */
export interface Head {
  readonly status: number
  header(name: string): string | undefined
}

/** Statuses that `fetch` follows. */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/** Does a redirect with this status turn the method into GET, and drop the body? (Fetch, HTTP-redirect fetch, 12) */
export function becomesGet(status: number, method: string): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD'
  return (status === 301 || status === 302) && method === 'POST'
}

/** A problem worth reading stands in a short JSON body. */
export function mayHoldProblem(head: Head): boolean {
  return head.status >= 400 && /[/+]json\b/i.test(head.header('content-type') ?? '')
}

/** A refusal as the parts of an HTTP reply. */
export interface RefusalReply {
  readonly status: number
  readonly statusText: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A refusal as an HTTP reply. It tells SDKs not to retry, because the answer would be the same. */
export function refusalReply(problem: RefusalProblem): RefusalReply {
  return {
    status: 402,
    // Some SDKs show nothing of a refusal but this. Its code is one of ours, so it is plain ASCII.
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
