import type { HttpHandler } from 'msw'
import { ownOptions, PaymentError } from '../errors/index.js'
import type { PaidApiOptions, PaidRoute, RefusedCredential, RouteChange, TakenPayment } from './routes.js'
import { PaidServer } from './server.js'

/**
 * A paid API for tests: msw handlers, and the account of what they took. The methods take the name of a route as it was
 * written (`GET https://api.example/search`); without one they mean all routes.
 */
export interface PaidApi {
  /** The handlers for `setupServer` and `setupWorker` of msw. */
  readonly handlers: readonly HttpHandler[]
  /** The sum of the money that was taken, for example `0.02 USD`. */
  taken(route?: string): string
  /** The payments that were taken, the oldest first. */
  payments(route?: string): readonly TakenPayment[]
  /** The credentials that were not taken, and why. */
  refusals(route?: string): readonly RefusedCredential[]
  /** How many requests came, paid or not. */
  requests(route?: string): number
  /**
   * Changes a route until the next `reset()`: its price, offers, answer or fault. `fault: undefined` ends a fault.
   *
   * @throws TypeError for an unknown route, option or fault.
   */
  change(route: string, change: RouteChange): void
  /** Forgets everything that happened, and sets every route back to its first state. */
  reset(): void
}

const NAMES = { offers: true, repeats: true }
const ROUTE = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (?<url>https?:\/\/\S+)$/

/**
 * Creates msw handlers that charge: they answer 402 with offers of MPP and x402, take a credential once, answer with a
 * receipt, and keep account. They check that a credential answers one of their offers, and that a {@link testWallet}
 * signed it for this amount and payee. They take the credentials of other wallets unchecked.
 *
 * @param routes - Prices by method and URL. A URL may have parameters and wildcards of msw (`https://api.example/users/:id`).
 * @throws TypeError for a route, price or option that cannot be read; PaymentError `invalid_config` if msw is not installed.
 * @see docs/testing-your-agent.md
 * @example
 * ```ts
 * import { setupServer } from 'msw/node'
 *
 * const api = await paidApi({
 *   'GET https://api.example/search': '0.01 USD',
 *   'POST https://api.example/report': { price: '0.50 USD', answer: { pages: 3 }, fault: 'loses-answer' },
 * })
 * const server = setupServer(...api.handlers)
 * server.listen()
 * ```
 */
export async function paidApi(
  routes: Readonly<Record<string, string | PaidRoute>>,
  options: PaidApiOptions = {},
): Promise<PaidApi> {
  const server = new PaidServer(routes, ownOptions(options, NAMES, 'paidApi()'))
  const { http } = await loadMsw()
  const handlers = Object.keys(routes).map((name) => {
    const { url = '' } = ROUTE.exec(name)?.groups ?? {}
    if (url === '')
      throw new TypeError(
        `A route is a method and a URL, for example 'GET https://api.example/search', not '${name}'`,
      )
    return http.all(url, ({ request }) =>
      server.serves(name, request) ? server.respond(name, request) : undefined,
    )
  })
  return {
    handlers,
    taken: (route) => server.taken(route),
    payments: (route) => server.payments(route),
    refusals: (route) => server.refusals(route),
    requests: (route) => server.requests(route),
    change: (route, change) => server.change(route, change),
    reset: () => server.reset(),
  }
}

async function loadMsw(): Promise<typeof import('msw')> {
  try {
    return await import('msw')
  } catch (cause) {
    throw new PaymentError(
      'invalid_config',
      'untouched',
      'paidApi() needs msw, and it cannot be loaded. Install it: npm install --save-dev msw',
      { cause },
    )
  }
}
