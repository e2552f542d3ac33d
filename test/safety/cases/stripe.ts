import type { StripeBehaviourName } from '../stripe-behaviours.js'
import { type Case, NOTHING, type Step } from './case.js'

// Paid through Stripe, with Shared Payment Tokens. Stripe charges no less than half a dollar.

const once: readonly Step[] = [{}]
const retried: readonly Step[] = [{ times: 4 }]

const stripe = (
  attack: string,
  server: StripeBehaviourName,
  rest: Omit<Case, 'attack' | 'server' | 'rail'>,
): Case => ({
  attack: `Stripe: ${attack}`,
  server,
  rail: 'stripe',
  ...rest,
  told: { limit: '1', budget: '5', ...rest.told },
})

const HALF_A_DOLLAR = { cents: 50 } as const
const half = (attack: string, server: StripeBehaviourName, steps: readonly Step[] = once): Case =>
  stripe(attack, server, { steps, most: HALF_A_DOLLAR })

export const STRIPE_CONTROL: readonly Case[] = [
  {
    ...stripe('two purchases', 'stripe-honest', {
      steps: [{ path: '/%', times: 2 }],
      most: { cents: 100, signatures: 2 },
      also: ({ outcomes, cents }) =>
        outcomes.every(({ status }) => status === 200) && cents === 100 ? undefined : 'it was not paid twice',
    }),
    attack: 'none: Stripe, two purchases',
  },
]

export const STRIPE: readonly Case[] = [
  half('a fresh challenge after every token', 'stripe-storm', retried),
  half('nearly twice the price, after the first payment', 'stripe-escalate'),
  half('another seller, after the first payment', 'stripe-divert'),
  half('Tempo, after a payment through Stripe', 'stripe-to-tempo'),
  half('hangs up on every token; the caller retries', 'stripe-hang-up', retried),
  stripe('the same, and charges nothing until the end', 'stripe-hang-up', {
    later: true,
    steps: retried,
    most: HALF_A_DOLLAR,
  }),
  half('"the token was used, or is over its limit"; the caller retries', 'stripe-spent', retried),
  stripe('"the token was used", so that the budget of 1 USD is free again', 'stripe-spent', {
    told: { budget: '1' },
    steps: [{ path: '/%', times: 6 }],
    most: { cents: 100 },
  }),
  stripe('serves with no receipt, so that the budget of 1 USD lasts', 'stripe-no-receipt', {
    told: { budget: '1' },
    steps: [{ path: '/%', times: 6 }],
    most: { cents: 100 },
  }),
  stripe('six calls at once on a budget of 1 USD', 'stripe-honest', {
    told: { budget: '1' },
    steps: [{ path: '/%', times: 6, atOnce: true }],
    most: { cents: 100 },
  }),
  stripe('50 USD', 'stripe-fifty-dollars', { most: NOTHING }),
  stripe('its own decimals: 50 USD declared as half of one', 'stripe-own-decimals', { most: NOTHING }),
  stripe('a currency that is worth more, under the same number', 'stripe-other-currency', { most: NOTHING }),
  half('gives a token a validity of one year', 'stripe-lives-a-year'),
]
