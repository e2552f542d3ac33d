import type { Dispatcher } from 'undici'

type Handler = Dispatcher.DispatchHandler
export type Callback =
  | 'onRequestStart'
  | 'onResponseStart'
  | 'onResponseData'
  | 'onResponseEnd'
  | 'onResponseError'

/** What a handler was called with, in order, and how it ended. */
export interface Record {
  readonly calls: readonly Callback[]
  readonly status: number | undefined
  readonly text: string
  readonly error: unknown
}

/** How long anything may take before it counts as hung. */
export const HUNG_MS = 10_000

/** A strict handler: it throws where it is told to, and records all that it is told. */
export function recorder(throwsAt?: Callback, thrown?: unknown) {
  const calls: Callback[] = []
  const chunks: Buffer[] = []
  let status: number | undefined
  let error: unknown
  let finish = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const called = (callback: Callback): void => {
    calls.push(callback)
    if (callback === throwsAt) throw thrown
  }
  const handler: Handler = {
    onRequestStart: () => called('onRequestStart'),
    onResponseStart(_, code) {
      status = code
      called('onResponseStart')
    },
    onResponseData(_, chunk) {
      chunks.push(chunk)
      called('onResponseData')
    },
    onResponseEnd() {
      if (throwsAt !== 'onResponseEnd') finish()
      called('onResponseEnd')
    },
    onResponseError(_, reason) {
      error = reason
      finish()
      called('onResponseError')
    },
  }
  const record = (): Record => ({ calls, status, text: Buffer.concat(chunks).toString(), error })
  return {
    handler,
    record,
    /** The record, once the handler heard of an end and a further turn of the event loop has passed. */
    async ended(): Promise<Record | 'hung'> {
      const late = AbortSignal.timeout(HUNG_MS)
      const hung = new Promise<'hung'>((resolve) => late.addEventListener('abort', () => resolve('hung')))
      if ((await Promise.race([finished, hung])) === 'hung') return 'hung'
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
      return record()
    },
  }
}

/** One request through a dispatcher, told to a strict handler. */
export async function told(
  dispatcher: Dispatcher,
  url: string,
  options: Partial<Dispatcher.DispatchOptions> = {},
  handling: ReturnType<typeof recorder> = recorder(),
): Promise<Record | 'hung'> {
  const { origin, pathname, search } = new URL(url)
  dispatcher.dispatch({ origin, path: pathname + search, method: 'GET', ...options }, handling.handler)
  return handling.ended()
}
