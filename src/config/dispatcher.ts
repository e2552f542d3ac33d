import { AsyncLocalStorage } from 'node:async_hooks'
import type { Purser } from '../client/index.js'
import type { FetchLike, Restore } from '../fetch/index.js'
import { purserInterceptor } from '../undici/index.js'

/** The package `undici` of the program, and what keeps `fetch` and it apart. */
export interface Undici {
  /**
   * The same `fetch`, whose requests the interceptor leaves alone: the paying fetch above it has dealt with them. Without
   * it a call of `fetch` would meet two payers, one beneath the other.
   */
  beneath(fetch: FetchLike): FetchLike
  /** Puts an interceptor of this purser on the global dispatcher. */
  serve(purser: Purser): Restore
}

type UndiciModule = typeof import('undici')

/**
 * Loads undici 7 or later, if the program has it and its global dispatcher can be composed.
 *
 * @returns Undefined if not: then only `fetch` pays.
 */
export async function loadUndici(): Promise<Undici | undefined> {
  const undici: UndiciModule | undefined = await import('undici').catch(() => undefined)
  // The handlers of undici 6 and earlier are others, and so are those of a dispatcher that another copy made.
  if (undici?.cacheStores === undefined || typeof undici.getGlobalDispatcher !== 'function') return undefined
  if (!(undici.getGlobalDispatcher() instanceof undici.Dispatcher)) return undefined
  const ofFetch = new AsyncLocalStorage<true>()
  return {
    beneath: (fetch) => (input, init) => ofFetch.run(true, () => fetch(input, init)),
    serve: (purser) => serve(purser, undici, () => ofFetch.getStore() === true),
  }
}

function serve(purser: Purser, undici: UndiciModule, isOfFetch: () => boolean): Restore {
  const before = undici.getGlobalDispatcher()
  const pay = purserInterceptor(purser)
  let live = true
  const ours = before.compose((dispatch) => {
    const paying = pay(dispatch)
    return (options, handler) =>
      live && !isOfFetch() ? paying(options, handler) : dispatch(options, handler)
  })
  undici.setGlobalDispatcher(ours)
  const restore = () => {
    live = false
    // Somebody's own dispatcher that was set since stays: it may stand on ours, which now only passes requests on.
    if (undici.getGlobalDispatcher() === ours) undici.setGlobalDispatcher(before)
  }
  return Object.assign(() => restore(), { [Symbol.dispose]: restore })
}
