import { readBody } from '../protocol/index.js'
import { atTimes, type Offer } from './rails.js'

/**
 * The names of the faults that a test server can have.
 *
 * - `loses-answer`: The server takes the money, and its answer is lost.
 * - `loses-request`: The paid request is lost before it reaches the server. Sent again, it arrives.
 * - `hangs`: The server takes the money and never answers.
 * - `breaks-off`: The server takes the money, and its answer breaks off in the middle of the body.
 * - `fails-after-payment`: The server takes the money and answers with status 500.
 * - `fails-before-payment`: The server answers with status 500 and takes nothing.
 * - `busy`: The server is busy: status 503 with `Retry-After: 0`. Sent again, the credential is taken.
 * - `rotates-challenge`: The server has forgotten its challenge and asks with a new one. It takes the second credential.
 * - `always-402`: The server takes nothing and asks again, each time.
 * - `takes-and-asks-again`: The server takes the money and asks again.
 * - `raises-price`: The server takes nothing, and asks for ten times the price as soon as it has a credential.
 * - `no-receipt`: The server takes the money and answers without a receipt.
 * - `wrong-receipt`: The server takes the money, and its receipt names another payment.
 * - `redirects-after-payment`: The server takes the money and redirects to another origin.
 * - `no-offer`: The 402 has no offer.
 * - `unreadable-offer`: The offers of the 402 cannot be read.
 * - `expired-offer`: The offers of the `Payment` scheme have expired.
 * - `changes-payee`: Each 402 names another payee.
 * - `dearer-each-time`: Each 402 asks for more: the second for twice the price, the third for three times.
 */
export type FaultName =
  | 'loses-answer'
  | 'loses-request'
  | 'hangs'
  | 'breaks-off'
  | 'fails-after-payment'
  | 'fails-before-payment'
  | 'busy'
  | 'rotates-challenge'
  | 'always-402'
  | 'takes-and-asks-again'
  | 'raises-price'
  | 'no-receipt'
  | 'wrong-receipt'
  | 'redirects-after-payment'
  | 'no-offer'
  | 'unreadable-offer'
  | 'expired-offer'
  | 'changes-payee'
  | 'dearer-each-time'

/** A fault: its name, or its name and how often it happens. */
export type Fault =
  | FaultName
  | {
      readonly name: FaultName
      /** The fault happens this often on the route. Default: always. */
      readonly times: number
    }

/** A request that brings a credential, as a fault sees it. */
export interface PaidVisit {
  /** 1 for the first credential that this fault meets on the route. */
  readonly round: number
  /** Takes the money. */
  take(): void
  /** Makes the paid answer. */
  serve(receipt: 'receipt' | 'no receipt' | 'receipt of another payment'): Promise<Response>
  /** Makes a 402 with new challenges, at this multiple of the price. */
  ask(detail: string, times?: bigint): Response
}

/** The offers of a 402, as a fault changes them. */
export interface OfferChange {
  readonly offers: readonly Offer[]
  readonly expires?: Date
  /** Sends nothing that can be read as an offer. */
  readonly garbled?: true
}

/** What a fault changes: the answer to a credential, or the offers of a 402. */
interface FaultBehaviour {
  /** A fault that stays also meets a credential that was sent before. Another one meets each credential once. */
  readonly stays?: true
  readonly answer?: (visit: PaidVisit) => Response | Promise<Response>
  /** `round`: 1 for the first 402 that this fault meets on the route. */
  readonly offers?: (offers: readonly Offer[], round: number) => OfferChange
}

const TEN = 10n
const failure = (status: number, headers: Readonly<Record<string, string>> = {}): Response =>
  Response.json({ error: 'the server failed' }, { status, headers })

/** All faults. Each one is something that a real server, or the network in front of it, has done. */
export const FAULTS: Readonly<Record<FaultName, FaultBehaviour>> = {
  'loses-answer': {
    answer({ take }) {
      take()
      return Response.error()
    },
  },
  'loses-request': { answer: () => Response.error() },
  hangs: {
    answer({ take }) {
      take()
      return new Promise<never>(() => undefined)
    },
  },
  'breaks-off': {
    async answer({ take, serve }) {
      take()
      return cutInHalf(await serve('receipt'))
    },
  },
  'fails-after-payment': {
    answer({ take }) {
      take()
      return failure(500)
    },
  },
  'fails-before-payment': { answer: () => failure(500) },
  busy: { answer: () => failure(503, { 'retry-after': '0' }) },
  'rotates-challenge': {
    async answer({ round, ask, take, serve }) {
      if (round % 2 === 1) return ask('The challenge is not known any more.')
      take()
      return serve('receipt')
    },
  },
  'always-402': { stays: true, answer: ({ ask }) => ask('The payment could not be verified.') },
  'takes-and-asks-again': {
    answer({ take, ask }) {
      take()
      return ask('The payment could not be verified.')
    },
  },
  'raises-price': { stays: true, answer: ({ ask }) => ask('The price has changed.', TEN) },
  'no-receipt': {
    answer({ take, serve }) {
      take()
      return serve('no receipt')
    },
  },
  'wrong-receipt': {
    answer({ take, serve }) {
      take()
      return serve('receipt of another payment')
    },
  },
  'redirects-after-payment': {
    answer({ take }) {
      take()
      return new Response(null, { status: 307, headers: { location: 'https://elsewhere.example/' } })
    },
  },
  'no-offer': { offers: () => ({ offers: [] }) },
  'unreadable-offer': { offers: (offers) => ({ offers, garbled: true }) },
  'expired-offer': { offers: (offers) => ({ offers, expires: new Date(0) }) },
  'changes-payee': {
    offers: (offers, round) => ({
      offers: offers.map((offer) => ({ ...offer, payee: payeeOf(offer, round) })),
    }),
  },
  'dearer-each-time': {
    offers: (offers, round) => ({ offers: offers.map((offer) => atTimes(offer, BigInt(round))) }),
  },
}

const TABLE: ReadonlyMap<string, FaultBehaviour> = new Map(Object.entries(FAULTS))

/** A fault on a route, with how often it happened. */
export class ActiveFault {
  readonly behaviour: FaultBehaviour
  readonly #times: number
  #rounds = 0

  /** @throws TypeError for an unknown fault, or a number of times that is no count. */
  constructor(fault: Fault) {
    const { name, times = Number.POSITIVE_INFINITY } =
      typeof fault === 'string' ? { name: fault, times: undefined } : fault
    const behaviour = TABLE.get(name)
    if (behaviour === undefined)
      throw new TypeError(`There is no fault '${name}': use ${[...TABLE.keys()].join(', ')}`)
    if (!(times >= 1)) throw new TypeError('A fault happens at least once: times must be 1 or more')
    this.behaviour = behaviour
    this.#times = times
  }

  /** The number of this round. Undefined if the fault has happened often enough. */
  next(): number | undefined {
    if (this.#rounds >= this.#times) return undefined
    this.#rounds++
    return this.#rounds
  }
}

function payeeOf({ kind, payee }: Offer, round: number): string {
  if (round === 1) return payee
  return kind === 'stripe/charge' ? `${payee}_${round}` : `0x${round.toString(16).padStart(40, '0')}`
}

async function cutInHalf(whole: Response): Promise<Response> {
  const read = await readBody(whole, { bytes: 1_000_000, patienceMs: 10_000 })
  const bytes = typeof read === 'string' ? new Uint8Array() : read
  let started = false
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (started) return controller.error(new TypeError('The connection was lost'))
      started = true
      controller.enqueue(bytes.slice(0, Math.ceil(bytes.length / 2)))
    },
  })
  return new Response(body, { status: whole.status, headers: whole.headers })
}
