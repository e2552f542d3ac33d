import type { Instant } from '../money/index.js'
import type { CallOptions, PayingFace } from '../pay/index.js'
import { HttpExchange, type HttpLimits } from './http-exchange.js'
import { dialled, type FetchLike } from './request.js'

/** A `fetch` whose `init` may say more about the payment of this one call. */
export type PayingFetch = (input: RequestInfo | URL, init?: PayingInit) => Promise<Response>

/** What `fetch` takes, and per-call options that can only tighten what policy allows. */
export interface PayingInit extends RequestInit {
  readonly payment?: CallOptions
}

/** What a paying fetch needs of the world. */
export interface PayingFetchOptions {
  /** The fetch beneath: the pristine one, see `pristine`. */
  readonly base: FetchLike
  readonly face: PayingFace
  /** The address of the page, in a browser: relative URLs stand on it, and CORS begins beyond it. */
  readonly page?: () => string | undefined
  readonly now?: () => Instant
  readonly limits?: Partial<HttpLimits>
}

const KIB = 1024
const DEFAULT_LIMITS: HttpLimits = {
  keep: { bytes: KIB * KIB, patienceMs: 10_000 },
  read: { bytes: 64 * KIB, patienceMs: 1_000 },
}

/** Makes the exchange of one call; undefined where the call can never be paid for and belongs to `base` alone. */
export function exchanges(
  options: PayingFetchOptions,
): (input: RequestInfo | URL, init?: RequestInit) => HttpExchange | undefined {
  const { base, face, page = pageAddress, now = Date.now } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  return (input, init) => {
    const address = page()
    const resource = dialled(input, init, address)
    if (resource === undefined || !face.payable(resource)) return undefined
    try {
      return new HttpExchange(input, init, resource, { base, face, page: address, now, limits })
    } catch {
      // What cannot even be set aside, `fetch` refuses in its own words, or sends without any hope of paying.
      return undefined
    }
  }
}

/**
 * A `fetch` that runs calls through the story of a payment where policy could pay, and hands every other call to
 * `base` with the very same arguments.
 *
 * @example
 * ```ts
 * const fetch = payingFetch({ base: pristine(globalThis.fetch), face })
 * const reply = await fetch('https://api.search.example/v1/search', { payment: { maxAmount: '0.02' } })
 * ```
 */
export function payingFetch(options: PayingFetchOptions): PayingFetch {
  // Held apart from `options`: a browser's fetch must not be called as a method of anything but the window.
  const { base, face } = options
  const exchangeOf = exchanges(options)
  return function fetch(input, init) {
    let exchange: HttpExchange | undefined
    try {
      exchange = exchangeOf(input, init)
    } catch (error) {
      return Promise.reject(error)
    }
    if (exchange === undefined) return base(input, init)
    const { signal } = exchange
    const payment = init?.payment
    return face.run(exchange, signal ? { ...payment, signal } : (payment ?? {}))
  }
}

function pageAddress(): string | undefined {
  return typeof location === 'object' ? location.href : undefined
}
