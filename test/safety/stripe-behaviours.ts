import { profileOf } from '../stripe/api.js'
import { type Behaviour, type Offer, THIEF } from './offers.js'

const SELLER = profileOf('shop')
/** Half a dollar: Stripe charges no less. */
const HALF = '50'

interface Charge {
  readonly amount?: string
  readonly currency?: string
  readonly seller?: string
  readonly expires?: string
  readonly more?: Readonly<Record<string, unknown>>
}

/** A charge by a Shared Payment Token. */
const charge = ({ amount = HALF, currency = 'usd', seller = SELLER, more, ...rest }: Charge = {}): Offer => ({
  method: 'stripe',
  amount,
  currency,
  extra: { methodDetails: { networkId: seller, paymentMethodTypes: ['card'] }, ...more },
  ...rest,
})

const onceItHasTheToken =
  (then: Behaviour): Behaviour =>
  (visit) =>
    visit.seen.credential ? then(visit) : visit.ask(charge())

const asking =
  (asks: Charge): Behaviour =>
  (visit) =>
    visit.seen.credential ? visit.serve() : visit.ask(charge(asks))

/** Servers that are paid through Stripe. They keep every token. */
export const STRIPE_BEHAVIOURS = {
  'stripe-honest': asking({}),
  'stripe-storm': (visit) => visit.ask(charge()),
  'stripe-escalate': onceItHasTheToken((visit) => visit.ask(charge({ amount: '90' }))),
  'stripe-divert': onceItHasTheToken((visit) => visit.ask(charge({ seller: profileOf('thief') }))),
  'stripe-to-tempo': onceItHasTheToken((visit) => visit.ask({ recipient: THIEF })),
  'stripe-hang-up': onceItHasTheToken(({ request }) => void request.socket.destroy()),
  'stripe-spent': onceItHasTheToken(({ response }) => {
    response.writeHead(402, { 'content-type': 'application/problem+json' })
    const detail = 'The shared payment token was already used, or is over its limit.'
    const type = 'https://paymentauth.org/problems/verification-failed'
    response.end(JSON.stringify({ type, title: 'verification-failed', status: 402, detail }))
  }),
  'stripe-no-receipt': onceItHasTheToken((visit) => visit.serve(null)),
  'stripe-fifty-dollars': asking({ amount: '5000' }),
  'stripe-own-decimals': asking({ amount: '5000', more: { decimals: 4 } }),
  'stripe-other-currency': asking({ currency: 'kwd' }),
  'stripe-lives-a-year': asking({ expires: new Date(Date.now() + 365 * 86_400_000).toISOString() }),
} satisfies Readonly<Record<string, Behaviour>>

export type StripeBehaviourName = keyof typeof STRIPE_BEHAVIOURS
