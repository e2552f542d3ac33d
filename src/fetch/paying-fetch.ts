import type { Reason } from '../errors/index.js'
import {
  type BodyFactory,
  dialled,
  type FetchInput,
  HttpExchange,
  type HttpLimits,
  type HttpLimitsOptions,
  type HttpPaymentHandler,
  httpLimits,
  isStream,
  NOT_COPIED,
} from '../http/index.js'
import type { Instant } from '../money/index.js'
import { type CallOptions, ownCallOptions } from '../pay/index.js'
import type { HttpResource } from '../protocol/index.js'
import { own } from '../util/objects.js'
import { FetchTransport } from './fetch-transport.js'
import { pristine } from './install.js'
import type { FetchLike } from './request.js'

/** A `fetch` with payment options for one call in its `init`. */
export type PayingFetch = (input: FetchInput, init?: PayingInit) => Promise<Response>

/** The options of `fetch`, and options of this call that can only make policy stricter. */
export interface PayingInit extends RequestInit {
  readonly payment?: FetchPayment
}

/** The payment options of one call to `fetch`. */
export interface FetchPayment extends CallOptions {
  /**
   * Returns the request's body, instead of `init.body`. It is called for each time that the request is sent, and once
   * to compute the digest. It must return the same bytes each time. Use it to pay for a request with a body of any
   * size.
   */
  readonly body?: () => RequestInit['body'] | Promise<RequestInit['body']>
}

/** The surroundings of a paying fetch. Each has a default. */
export interface PayingFetchOptions {
  /** The fetch below. Default: the current global one, without wrappers of Purser. */
  readonly base?: FetchLike
  /**
   * The address of the page in a browser. Relative URLs are resolved against it, and CORS applies outside its origin.
   */
  readonly page?: () => string | undefined
  readonly now?: () => Instant
  readonly limits?: HttpLimitsOptions
}

/** One call as an exchange, with its payment options. */
export interface HttpCall {
  readonly exchange: HttpExchange<Response>
  readonly options: CallOptions & { readonly signal?: AbortSignal }
}

type Setting = Required<Omit<PayingFetchOptions, 'limits'>> & { readonly limits: HttpLimits }

/**
 * Makes a `fetch` that runs a call through the payment flow if policy could pay it. Every other call goes to the
 * fetch below with exactly the same arguments.
 *
 * @example
 * ```ts
 * const fetch = payingFetch(handlerOf(purser))
 * const reply = await fetch('https://api.search.example/v1/search', { payment: { maxAmount: '0.02' } })
 * ```
 */
export function payingFetch(handler: HttpPaymentHandler, options: PayingFetchOptions = {}): PayingFetch {
  const setting = settingOf(options)
  const { base, page } = setting
  return function fetch(input, init) {
    let call: HttpCall
    let payment: Payment
    let resource: HttpResource | undefined
    try {
      payment = paymentOf(init)
    } catch (error) {
      // Not sent, because its payment options are not valid.
      return Promise.reject(error)
    }
    try {
      resource = dialled(input, init, page())
      if (resource === undefined || !handler.payable(resource))
        return handOn(handler, resource, untouched(base, input, init, payment))
      call = callOf(handler, input, init, { resource, payment }, setting)
    } catch {
      // `fetch` itself refuses a request that cannot be copied, or sends it. Its 402 cannot be paid.
      return handOn(handler, resource, untouched(base, input, init, payment), [NOT_COPIED])
    }
    return handler.run(call.exchange, call.options)
  }
}

/** Sends the call without any payment. Only a body function is called. */
function untouched(
  base: FetchLike,
  input: RequestInfo | URL,
  init: PayingInit | undefined,
  { body }: Payment,
): Promise<Response> {
  return body === undefined ? base(input, init) : withBody(base, input, init, body)
}

async function withBody(
  base: FetchLike,
  input: RequestInfo | URL,
  init: PayingInit | undefined,
  make: BodyFactory,
): Promise<Response> {
  const body = (await make()) ?? null
  return base(input, { ...init, body, ...(isStream(body) ? { duplex: 'half' } : {}) })
}

/** Returns the reply as it came. A 402 is noted, so that the caller can ask for the reason. */
async function handOn(
  handler: HttpPaymentHandler,
  resource: HttpResource | undefined,
  replying: Promise<Response>,
  reasons?: readonly Reason[],
): Promise<Response> {
  const reply = await replying
  if (reply.status === 402) handler.noteUnpaid(reply, resource, reasons)
  return reply
}

/**
 * Makes an exchange of one call to `fetch`, without asking policy: to find out its price.
 *
 * @throws TypeError for arguments that `fetch` would refuse, and for addresses to which no credential may go.
 */
export function httpCall(
  handler: HttpPaymentHandler,
  input: FetchInput,
  init?: PayingInit,
  options: PayingFetchOptions = {},
): HttpCall {
  const setting = settingOf(options)
  const resource = dialled(input, init, setting.page())
  if (resource === undefined)
    throw new TypeError('Only an https URL (or http on this machine) can be paid for.')
  return callOf(handler, input, init, { resource, payment: paymentOf(init) }, setting)
}

function callOf(
  handler: HttpPaymentHandler,
  input: FetchInput,
  init: PayingInit | undefined,
  { resource, payment }: { readonly resource: HttpResource; readonly payment: Payment },
  { base, page, now, limits }: Setting,
): HttpCall {
  const { said, body } = payment
  const transport = new FetchTransport(input, init, resource, { base, handler, page: page(), limits, body })
  const exchange = new HttpExchange(resource, transport, { handler, now, limits })
  const { signal } = exchange
  return { exchange, options: signal ? { ...said, signal } : said }
}

/** The payment options of one call: for the payment flow, and for this function. */
interface Payment {
  readonly said: CallOptions
  readonly body?: BodyFactory | undefined
}

const NONE: Payment = Object.freeze({ said: Object.freeze(Object.create(null)) })

function paymentOf(init: PayingInit | undefined): Payment {
  const payment = init?.payment
  if (payment === undefined) return NONE
  const { body, ...said } = ownCallOptions<FetchPayment>(payment, { body: true })
  if (body === undefined) return { said: own(said) }
  if (typeof body !== 'function')
    throw new TypeError(
      'init.payment.body must be a function that makes the body: () => createReadStream(path)',
    )
  if (init?.body !== undefined && init.body !== null)
    throw new TypeError('The call has two bodies: init.body and init.payment.body. Leave one of them out')
  return { said: own(said), body }
}

function settingOf({ base, page = pageAddress, now = Date.now, limits }: PayingFetchOptions): Setting {
  return {
    base: base ?? pristine(globalThis.fetch),
    page,
    now,
    limits: httpLimits(limits),
  }
}

function pageAddress(): string | undefined {
  return typeof location === 'object' ? location.href : undefined
}
