import Stripe from 'stripe'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import {
  createPurser,
  isPaymentError,
  type Payment,
  type PaymentError,
  type PolicyDocument,
  type Purser,
  type PurserEvent,
  type PurserOptions,
} from '../../src/index.js'
import { type StripeClientOptions, stripe } from '../../src/wallet/stripe/index.js'
import { type DoubleOptions, type StripeDouble, startStripe } from './double.js'
import { type Shop, startShop } from './shop.js'
import { METHODS } from './tokens.js'

/** Stripe, and a shop that is paid through it. */
export interface StripeWorld {
  readonly double: StripeDouble
  readonly shop: Shop
  buyer(options?: StripeBuyerOptions): StripeBuyer
  stop(): Promise<void>
}

export interface StripeBuyerOptions extends Partial<Omit<PurserOptions, 'policy'>> {
  readonly policy?: PolicyDocument
  readonly wallet?: Partial<StripeClientOptions>
  /** Origins that may charge. Default: the shop. */
  readonly origins?: readonly string[]
}

/** A purser that pays through Stripe, and everything a test wants to know about it. */
export interface StripeBuyer {
  readonly purser: Purser
  payments(): Promise<Payment[]>
  /** What the ledger counts, in cents. */
  booked(): Promise<number>
  heard<E extends PurserEvent>(name: E): unknown[]
}

/** Counters count at nine decimals. */
const UNITS_PER_CENT = 10_000_000n

export interface StripeWorldOptions extends DoubleOptions {
  /** Validity of the shop's challenges, in milliseconds. */
  readonly validityMs?: number
}

export async function startStripeWorld(options: StripeWorldOptions = {}): Promise<StripeWorld> {
  const { validityMs, ...rest } = options
  const double = await startStripe(rest)
  const shop = await startShop({ double, ...(validityMs === undefined ? {} : { validityMs }) })
  const pursers: Purser[] = []
  return {
    double,
    shop,
    buyer(options = {}) {
      const made = stripeBuyer(double, shop.origin, options)
      pursers.push(made.purser)
      return made
    },
    async stop() {
      await Promise.all(pursers.map((purser) => purser.close()))
      await shop.close()
      await double.close()
    },
  }
}

/** stripe-node, as an agent would set it up. */
export function clientOf(double: Pick<StripeDouble, 'host' | 'port'>, key = 'sk_test_agent'): Stripe {
  return new Stripe(key, { host: double.host, port: double.port, protocol: 'http', maxNetworkRetries: 0 })
}

/** Enough for everything in a test that is not about limits. */
export function stripePolicy(origins: readonly string[], more: PolicyDocument = {}): PolicyDocument {
  return {
    perPayment: '10',
    budgets: [{ limit: '100', per: 'day' }],
    vendors: origins.map((origin) => ({ origin })),
    networks: ['stripe:test'],
    ...more,
  }
}

function stripeBuyer(double: StripeDouble, shop: string, options: StripeBuyerOptions): StripeBuyer {
  const { policy, wallet, origins = [shop], ...rest } = options
  const purser = createPurser({
    wallets: [stripe({ client: clientOf(double), paymentMethod: METHODS.works, livemode: false, ...wallet })],
    policy: stripePolicy(origins, policy),
    ledger: memoryLedger(),
    ...rest,
  })
  const payments = async (): Promise<Payment[]> => {
    const all: Payment[] = []
    for await (const payment of purser.payments({})) all.push(payment)
    return all
  }
  return {
    purser,
    payments,
    booked: async () =>
      Number((await payments()).reduce((sum, { units }) => sum + units, 0n) / UNITS_PER_CENT),
    heard(name) {
      const events: unknown[] = []
      purser.on(name, (event) => void events.push(event))
      return events
    },
  }
}

/** The error that a call must end with. */
export async function failure(call: Promise<unknown>): Promise<PaymentError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!isPaymentError(error)) throw new Error('no PaymentError', { cause: error })
  return error
}

/** The token in a credential, as it travels. */
export function tokenIn(authorization: string): string {
  const text = Buffer.from(authorization.replace(/^Payment /i, ''), 'base64url').toString()
  const { payload } = JSON.parse(text)
  return String(payload.spt)
}

/** The one element. */
export function only<T>(all: readonly T[]): T {
  const [first] = all
  if (first === undefined || all.length !== 1) throw new Error(`${all.length} instead of one`)
  return first
}
