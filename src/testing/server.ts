import { ownOptions, suggestion } from '../errors/index.js'
import { formatUnits, type Units } from '../money/index.js'
import { type Json, PROBLEMS } from '../protocol/index.js'
import { type Answered, Challenges } from './challenges.js'
import { ActiveFault, type Fault, type OfferChange } from './faults.js'
import { network } from './network.js'
import { atTimes, type Offer, offerOf, type PaidKind, type PaidOffer } from './rails.js'
import { readCredential, receiptHeaders } from './wire.js'

/** The content of a paid answer: JSON, or a function that makes a response for the request. */
export type PaidAnswer = Json | ((request: Request) => Response | Promise<Response>)

/** A route that costs money. */
export interface PaidRoute {
  /** The price of one call: a number and a currency, for example `0.01 USD`. */
  readonly price: string
  /** The offers of its 402. Default: those of {@link PaidApiOptions}. */
  readonly offers?: readonly (PaidKind | PaidOffer)[]
  /** The answer to a paid call. Default: `{ "paid": true }`. */
  readonly answer?: PaidAnswer
  /** Something that goes wrong on this route. */
  readonly fault?: Fault
}

/** Changes of a route. `fault: undefined` ends the fault. */
export type RouteChange = { readonly [Name in keyof PaidRoute]?: PaidRoute[Name] | undefined }

/** Options of {@link paidApi}. */
export interface PaidApiOptions {
  /** The offers of every 402. Default: `tempo/charge` and `x402/exact` of version 2. */
  readonly offers?: readonly (PaidKind | PaidOffer)[]
  /**
   * The answer to a credential that was taken before. `refused`: a 402, as most servers do. `answered`: the paid answer
   * once more, as servers do that honour `Idempotency-Key`. No money is taken a second time.
   *
   * @default 'refused'
   */
  readonly repeats?: 'refused' | 'answered'
}

/** A payment that the test server took. */
export interface TakenPayment {
  /** The route as it was written: `GET https://api.example/search`. */
  readonly route: string
  readonly kind: PaidKind
  /** For example `0.01 USD`. */
  readonly price: string
  readonly payee: string
  /** The reference on the receipt. Undefined if another wallet than {@link testWallet} paid. */
  readonly reference: string | undefined
  /** The `Idempotency-Key` of the request. */
  readonly idempotencyKey: string | undefined
}

/** A credential that the test server did not take. */
export interface RefusedCredential {
  readonly route: string
  readonly reason: string
}

interface Charge extends TakenPayment {
  readonly offer: Offer
}

interface Route {
  readonly name: string
  readonly challenges: Challenges
  offers: readonly Offer[]
  answer: PaidAnswer
  fault: ActiveFault | undefined
  requests: number
}

/** A credential that answers an offer of its route. */
interface Presented extends Answered {
  readonly route: Route
  /** The same for the same credential. */
  readonly key: string
  /** The name of a test wallet's credential. */
  readonly reference: string | undefined
}

const DEFAULT_OFFERS: readonly PaidKind[] = ['tempo/charge', 'x402/exact']
const ROUTE_NAMES = { price: true, offers: true, answer: true, fault: true }

/** A server that charges, without a socket: it answers requests, and keeps account of what it took. */
export class PaidServer {
  readonly #given: ReadonlyMap<string, PaidRoute>
  readonly #options: PaidApiOptions
  readonly #routes = new Map<string, Route>()
  /** The credentials that arrived, taken or not. */
  readonly #arrived = new Set<string>()
  readonly #charges = new Map<string, Charge>()
  #refusals: RefusedCredential[] = []

  /** @throws TypeError for a route or an option that cannot be read. */
  constructor(routes: Readonly<Record<string, string | PaidRoute>>, options: PaidApiOptions) {
    this.#options = options
    this.#given = new Map(
      Object.entries(routes).map(([name, route]) => [
        name,
        typeof route === 'string' ? { price: route } : ownOptions(route, ROUTE_NAMES, `The route ${name}`),
      ]),
    )
    this.reset()
  }

  /** Forgets all that was taken, and sets every route back. */
  reset(): void {
    for (const [name, given] of this.#given)
      this.#routes.set(name, {
        name,
        challenges: new Challenges(),
        offers: this.#offersOf(given),
        answer: given.answer ?? { paid: true },
        fault: given.fault === undefined ? undefined : new ActiveFault(given.fault),
        requests: 0,
      })
    this.#arrived.clear()
    this.#charges.clear()
    this.#refusals = []
  }

  /** Changes a route until the next reset. */
  change(name: string, change: RouteChange): void {
    const route = this.#route(name)
    const { price = this.#given.get(name)?.price ?? '', ...own } = ownOptions(
      change,
      ROUTE_NAMES,
      `The route ${name}`,
    )
    const offers = own.offers ?? this.#given.get(name)?.offers
    if (change.price !== undefined || own.offers !== undefined)
      route.offers = this.#offersOf({ price, ...(offers === undefined ? {} : { offers }) })
    if (own.answer !== undefined) route.answer = own.answer
    if ('fault' in own) route.fault = own.fault === undefined ? undefined : new ActiveFault(own.fault)
  }

  requests(name?: string): number {
    return this.#some(name).reduce((sum, { requests }) => sum + requests, 0)
  }

  payments(name?: string): readonly TakenPayment[] {
    return this.#chargesOf(name).map(({ offer: _, ...payment }) => payment)
  }

  refusals(name?: string): readonly RefusedCredential[] {
    const names = this.#some(name).map((route) => route.name)
    return this.#refusals.filter(({ route }) => names.includes(route))
  }

  taken(name?: string): string {
    const sums = new Map<string, Units>()
    for (const { symbol } of this.#some(name).flatMap(({ offers }) => offers)) sums.set(symbol, 0n)
    for (const { offer } of this.#chargesOf(name))
      sums.set(offer.symbol, (sums.get(offer.symbol) ?? 0n) + offer.units)
    return [...sums].map(([symbol, sum]) => formatUnits(sum, symbol)).join(' and ')
  }

  /** Answers a request to a route. */
  async respond(name: string, request: Request): Promise<Response> {
    const route = this.#route(name)
    route.requests++
    const arrived = readCredential(request)
    if (arrived === undefined) return ask(route, request, PAYMENT_REQUIRED)
    if (arrived === 'unreadable') return this.#refuse(route, request, 'The credential cannot be read.')
    const found = route.challenges.find(arrived)
    if (typeof found === 'string') return this.#refuse(route, request, found)
    const { testPayment } = arrived.payload
    const reference = typeof testPayment === 'string' ? testPayment : undefined
    return this.#charge({ ...found, route, reference, key: JSON.stringify(arrived.payload) }, request)
  }

  async #charge(presented: Presented, request: Request): Promise<Response> {
    const { route, key, reference, offer } = presented
    if (this.#charges.has(key) && this.#options.repeats === 'answered') return serve(presented, request)
    const wrong = this.#charges.has(key)
      ? 'This payment has already been processed.'
      : reference && network.refusal(reference, offer)
    if (wrong) return this.#refuse(route, request, wrong)
    const behaviour = route.fault?.behaviour
    const meets = behaviour?.stays === true || !this.#arrived.has(key)
    this.#arrived.add(key)
    const round = meets && behaviour?.answer !== undefined ? route.fault?.next() : undefined
    const take = (): void => this.#take(presented, request)
    if (behaviour?.answer === undefined || round === undefined) {
      take()
      return serve(presented, request)
    }
    return behaviour.answer({
      round,
      take,
      serve: (receipt) => serve(presented, request, receipt),
      ask: (detail, times) => this.#refuse(route, request, detail, times),
    })
  }

  #take({ route, offer, key, reference }: Presented, request: Request): void {
    if (reference !== undefined) network.take(reference)
    this.#charges.set(key, {
      route: route.name,
      kind: offer.kind,
      price: formatUnits(offer.units, offer.symbol),
      payee: offer.payee,
      reference,
      idempotencyKey: request.headers.get('idempotency-key') ?? undefined,
      offer,
    })
  }

  #refuse(route: Route, request: Request, reason: string, times = 1n): Response {
    this.#refusals.push({ route: route.name, reason })
    return ask(
      route,
      request,
      { type: PROBLEMS.verificationFailed, title: 'Payment refused', detail: reason },
      times,
    )
  }

  #offersOf({ price, offers = this.#options.offers ?? DEFAULT_OFFERS }: PaidRoute): readonly Offer[] {
    return offers.map((offer) => offerOf(offer, price))
  }

  #route(name: string): Route {
    const route = this.#routes.get(name)
    if (route !== undefined) return route
    throw new TypeError(`There is no route '${name}'${suggestion(name, [...this.#routes.keys()])}`)
  }

  #some(name: string | undefined): readonly Route[] {
    return name === undefined ? [...this.#routes.values()] : [this.#route(name)]
  }

  #chargesOf(name: string | undefined): readonly Charge[] {
    const names = this.#some(name).map((route) => route.name)
    return [...this.#charges.values()].filter(({ route }) => names.includes(route))
  }
}

interface Reason {
  readonly type: string
  readonly title: string
  readonly detail: string
}

const PAYMENT_REQUIRED: Reason = {
  type: PROBLEMS.paymentRequired,
  title: 'Payment required',
  detail: 'This call costs money.',
}

/** Makes a 402 with the offers of a route. */
function ask(route: Route, request: Request, { type, title, detail }: Reason, times = 1n): Response {
  const offers = times === 1n ? route.offers : route.offers.map((offer) => atTimes(offer, times))
  const changes = route.fault?.behaviour.offers
  const round = changes === undefined ? undefined : route.fault?.next()
  const {
    offers: asked,
    expires,
    garbled,
  }: OfferChange = changes === undefined || round === undefined ? { offers } : changes(offers, round)
  const url = new URL(request.url)
  const { headers, body } = route.challenges.issue(asked, url, { error: detail, expires })
  if (garbled) headers.set('www-authenticate', 'Payment id="1", request="?"')
  if (garbled) headers.delete('payment-required')
  if (body !== undefined) return Response.json(body, { status: 402, headers })
  headers.set('content-type', 'application/problem+json')
  return new Response(JSON.stringify({ type, title, status: 402, detail }), { status: 402, headers })
}

/** Makes the paid answer. */
async function serve(
  { route, offer, reference, challengeId }: Presented,
  request: Request,
  receipt: 'receipt' | 'no receipt' | 'receipt of another payment' = 'receipt',
): Promise<Response> {
  const { answer } = route
  const made = typeof answer === 'function' ? await answer(request) : Response.json(answer)
  if (receipt === 'no receipt') return made
  const names =
    receipt === 'receipt'
      ? { reference, challengeId }
      : { reference: 'another payment', challengeId: 'another' }
  const headers = new Headers(made.headers)
  for (const [name, value] of Object.entries(receiptHeaders(offer, names))) headers.set(name, value)
  return new Response(made.body, { status: made.status, statusText: made.statusText, headers })
}
