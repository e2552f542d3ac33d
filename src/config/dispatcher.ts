import { AsyncLocalStorage } from 'node:async_hooks'
import type { Purser } from '../client/index.js'
import type { FetchLike, Restore } from '../fetch/index.js'
import { purserInterceptor } from '../undici/index.js'

/** The program's `undici` package, with functions that keep it apart from `fetch`. */
export interface Undici {
  /**
   * Wraps `fetch` so that the interceptor ignores its requests, because the paying fetch has handled them. Otherwise
   * two layers would pay for one call of `fetch`.
   */
  beneath(fetch: FetchLike): FetchLike
  /** Adds this purser's interceptor to the global dispatcher. */
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
  // undici 6 and earlier have a different handler interface, and so may a dispatcher from another copy.
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
    // A dispatcher that other code set meanwhile stays. It may be built on this one, which from now on only forwards
    // requests.
    if (undici.getGlobalDispatcher() === ours) undici.setGlobalDispatcher(before)
  }
  return Object.assign(() => restore(), { [Symbol.dispose]: restore })
}
