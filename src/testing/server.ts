import { ownOptions, suggestion } from '../errors/index.js'
import { formatUnits, type Units } from '../money/index.js'
import { type JsonObject, PROBLEMS } from '../protocol/index.js'
import { type Answered, Challenges } from './challenges.js'
import { channels, type TestVoucher } from './channels.js'
import { ActiveFault, type OfferChange } from './faults.js'
import { network } from './network.js'
import { atTimes, type Offer, offerOf, type PaidKind } from './rails.js'
import type {
  PaidAnswer,
  PaidApiOptions,
  PaidRoute,
  RefusedCredential,
  RouteChange,
  TakenPayment,
} from './routes.js'
import { eventStream, type StreamMeter } from './stream.js'
import { type ReceiptNames, readCredential, receiptHeaders, receiptOf } from './wire.js'

interface Charge extends TakenPayment {
  readonly offer: Offer
}

interface Route {
  readonly name: string
  readonly method: string
  readonly challenges: Challenges
  offers: readonly Offer[]
  answer: PaidAnswer
  readonly events: readonly string[] | undefined
  fault: ActiveFault | undefined
  requests: number
}

/** A credential that answers an offer of its route. */
interface Presented extends Answered {
  readonly route: Route
  /** The same for the same credential. */
  readonly key: string
  /** The name of a test wallet's credential, or of its channel. */
  readonly reference: string | undefined
  /** The total that a session signed. */
  readonly voucher: TestVoucher | undefined
}

const DEFAULT_OFFERS: readonly PaidKind[] = ['tempo/charge', 'x402/exact']
const ROUTE_NAMES = { price: true, offers: true, answer: true, events: true, fault: true }

/** A server that charges, without a socket: it answers requests, and keeps account of what it took. */
export class PaidServer {
  readonly #given: ReadonlyMap<string, PaidRoute>
  readonly #options: PaidApiOptions
  readonly #routes = new Map<string, Route>()
  /** The credentials that arrived, taken or not. */
  readonly #arrived = new Set<string>()
  readonly #charges = new Map<string, Charge>()
  #refusals: RefusedCredential[] = []
  /** Streams that wait for a voucher, by channel. */
  readonly #waiting = new Map<string, () => void>()

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
        method: name.split(' ')[0] ?? '',
        challenges: new Challenges(),
        offers: this.#offersOf(given),
        answer: given.answer ?? { paid: true },
        events: given.events,
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

  /**
   * Whether a request is for a route. A session sends requests beside those of the caller: it asks by HEAD, and delivers
   * vouchers and closes by POST.
   */
  serves(name: string, request: Request): boolean {
    const { method, offers } = this.#route(name)
    if (request.method === method) return true
    const sessions = offers.some(({ kind }) => kind === 'tempo/session')
    return sessions && (request.method === 'HEAD' || (request.method === 'POST' && hasVoucher(request)))
  }

  /**
   * Answers a request to a route.
   *
   * @param arrived - The credential of the request. Default: the one in its headers.
   */
  async respond(name: string, request: Request, arrived = readCredential(request)): Promise<Response> {
    const route = this.#route(name)
    route.requests++
    if (arrived === undefined) return ask(route, request, PAYMENT_REQUIRED)
    if (arrived === 'unreadable')
      return this.#refuse(route, request, { detail: 'The credential cannot be read.' })
    const found = route.challenges.find(arrived)
    if (typeof found === 'string') return this.#refuse(route, request, { detail: found })
    const { testPayment, action } = arrived.payload
    const voucher = found.offer.kind === 'tempo/session' ? voucherOf(arrived.payload) : undefined
    const reference = voucher?.channelId ?? (typeof testPayment === 'string' ? testPayment : undefined)
    const key =
      voucher === undefined ? JSON.stringify(arrived.payload) : `${voucher.channelId} ${voucher.total}`
    const presented: Presented = { ...found, route, reference, voucher, key }
    if (voucher === undefined || action !== 'close') return this.#charge(presented, request)
    channels.close(voucher.channelId)
    return new Response(null, { status: 204, headers: receiptHeaders(found.offer, namesOf(presented)) })
  }

  async #charge(presented: Presented, request: Request): Promise<Response> {
    const { route, key } = presented
    if (this.#charges.has(key) && this.#options.repeats === 'answered') return this.#serve(presented, request)
    const wrong = whyNot(presented) ?? (this.#charges.has(key) ? TAKEN_BEFORE : undefined)
    if (wrong !== undefined) return this.#refuse(route, request, wrong)
    const behaviour = route.fault?.behaviour
    const meets = behaviour?.stays === true || !this.#arrived.has(key)
    this.#arrived.add(key)
    const round = meets && behaviour?.answer !== undefined ? route.fault?.next() : undefined
    const take = (): void => this.#take(presented, request)
    if (behaviour?.answer === undefined || round === undefined) {
      take()
      return this.#serve(presented, request)
    }
    return behaviour.answer({
      round,
      take,
      serve: (receipt) => this.#serve(presented, request, receipt),
      ask: (detail, times) => this.#refuse(route, request, { detail }, times),
    })
  }

  /** Makes the paid answer. A voucher for a stream that waits continues the stream instead. */
  async #serve(
    presented: Presented,
    request: Request,
    receipt: 'receipt' | 'no receipt' | 'receipt of another payment' = 'receipt',
  ): Promise<Response> {
    const { route, offer, voucher } = presented
    const names =
      receipt === 'receipt of another payment'
        ? { reference: 'another payment', challengeId: 'another' }
        : namesOf(presented)
    const isAside = request.method !== route.method || (request.method === 'POST' && request.body === null)
    const continues = voucher && isAside ? this.#waiting.get(voucher.channelId) : undefined
    if (continues !== undefined) {
      continues()
      return new Response(null, { status: 204, headers: receiptHeaders(offer, names) })
    }
    const meter = voucher && route.events ? this.#meterOf(presented, voucher) : undefined
    const made =
      route.events === undefined ? await answerTo(route, request) : eventStream(route.events, meter)
    // The receipt of a metered stream is its last event.
    if (receipt === 'no receipt' || meter !== undefined) return made
    const headers = new Headers(made.headers)
    for (const [name, value] of Object.entries(receiptHeaders(offer, names))) headers.set(name, value)
    return new Response(made.body, { status: made.status, statusText: made.statusText, headers })
  }

  #meterOf(presented: Presented, { channelId, total }: TestVoucher): StreamMeter {
    const { offer } = presented
    const before = total - offer.price.value
    const accepted = (): bigint => channels.get(channelId)?.accepted ?? 0n
    return {
      missing(event) {
        const required = before + offer.price.value * BigInt(event + 1)
        if (accepted() >= required) return undefined
        return {
          channelId,
          requiredCumulative: `${required}`,
          acceptedCumulative: `${accepted()}`,
          deposit: `${channels.get(channelId)?.deposit.value ?? 0n}`,
        }
      },
      more: () =>
        new Promise((resolve) => {
          this.#waiting.set(channelId, () => {
            this.#waiting.delete(channelId)
            resolve()
          })
        }),
      stop: () => this.#waiting.get(channelId)?.(),
      receipt: () => receiptOf(offer, namesOf(presented)),
    }
  }

  #take({ route, offer, key, reference, voucher }: Presented, request: Request): void {
    if (voucher !== undefined) channels.accept(voucher)
    else if (reference !== undefined) network.take(reference)
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

  #refuse(route: Route, request: Request, { detail, ...refused }: Refused, times = 1n): Response {
    this.#refusals.push({ route: route.name, reason: detail })
    const { type = PROBLEMS.verificationFailed, status = 402 } = refused
    const problem = { type, title: 'Payment refused', status, detail }
    if (status !== 402) return Response.json(problem, { status, headers: PROBLEM_TYPE })
    return ask(route, request, problem, times)
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

/** Why a credential is not taken. */
interface Refused {
  readonly detail: string
  readonly type?: string
  readonly status?: number
}

const TAKEN_BEFORE: Refused = { detail: 'This payment has already been processed.' }
const PROBLEM_TYPE = { 'content-type': 'application/problem+json' }
const SESSION_REFUSALS: Readonly<Record<'channel' | 'used' | 'signature', Refused>> = {
  channel: { detail: 'The channel is not open.', type: PROBLEMS.sessionChannelNotFound, status: 410 },
  used: { detail: 'The voucher is used up.', type: PROBLEMS.sessionInsufficientBalance },
  signature: {
    detail: 'The voucher is not signed, or above the deposit.',
    type: PROBLEMS.sessionInvalidSignature,
  },
}

function whyNot({ offer, voucher, reference }: Presented): Refused | undefined {
  if (offer.kind === 'tempo/session') {
    const why = voucher === undefined ? 'signature' : channels.refusal(voucher, offer)
    return why && SESSION_REFUSALS[why]
  }
  const detail = reference === undefined ? undefined : network.refusal(reference, offer)
  return detail === undefined ? undefined : { detail }
}

function voucherOf({ channelId, cumulativeAmount }: JsonObject): TestVoucher | undefined {
  if (typeof channelId !== 'string' || typeof cumulativeAmount !== 'string') return undefined
  return /^[0-9]{1,40}$/.test(cumulativeAmount) ? { channelId, total: BigInt(cumulativeAmount) } : undefined
}

function hasVoucher(request: Request): boolean {
  const arrived = readCredential(request)
  return typeof arrived === 'object' && voucherOf(arrived.payload) !== undefined
}

function namesOf({ reference, challengeId, voucher }: Presented): ReceiptNames {
  const accepted = voucher === undefined ? undefined : channels.get(voucher.channelId)?.accepted
  return { reference, challengeId, accepted }
}

async function answerTo({ answer }: Route, request: Request): Promise<Response> {
  return typeof answer === 'function' ? answer(request) : Response.json(answer)
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
