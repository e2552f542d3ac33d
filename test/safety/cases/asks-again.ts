import { type Case, NOTHING, type Step } from './case.js'

const once: readonly Step[] = [{}]
/** As an SDK retries: the same request, without a key. */
const retried: readonly Step[] = [{ times: 4 }]
const keyed: readonly Step[] = [{ times: 4, init: { headers: { 'idempotency-key': 'order-1' } } }]
const ONE_CENT = { cents: 1 } as const
const TEN_CENTS: readonly Step[] = [{ path: '/%', times: 12 }]

/** None: a server that does what it says. Whoever fails here defends nothing by not paying. */
export const CONTROL: readonly Case[] = [
  {
    attack: 'none: an honest server, two purchases',
    server: 'honest',
    steps: [{ path: '/%', times: 2 }],
    most: { cents: 2, signatures: 2 },
    also: ({ outcomes, cents }) =>
      outcomes.every(({ status }) => status === 200) && cents === 2 ? undefined : 'it was not paid twice',
  },
]

export const ASKS_AGAIN: readonly Case[] = [
  { attack: 'a fresh challenge after every payment', server: 'storm', steps: once, most: ONE_CENT },
  {
    attack: 'the same, and the server pays the fee',
    server: 'storm-sponsored',
    steps: once,
    most: ONE_CENT,
  },
  {
    attack: 'the same, and the caller retries four times',
    server: 'storm-sponsored',
    steps: retried,
    most: ONE_CENT,
  },
  {
    attack: 'the same, and the payer broadcasts',
    server: 'storm-of-pushes',
    steps: once,
    most: ONE_CENT,
  },
  {
    attack: 'a fresh challenge of zero after every signature',
    server: 'storm-of-proofs',
    steps: once,
    most: { cents: 0 },
  },
  {
    attack: 'five times the price, after the first payment',
    server: 'escalate',
    steps: once,
    most: ONE_CENT,
  },
  { attack: 'another payee, after the first payment', server: 'divert', steps: once, most: ONE_CENT },
  {
    attack: 'another split, after the first payment',
    server: 'divert-by-split',
    steps: once,
    most: ONE_CENT,
  },
  { attack: 'another price under the same id', server: 'same-id', steps: once, most: ONE_CENT },
  {
    attack: 'five times the price, after a person said yes to it',
    server: 'escalate',
    told: { person: 'yes' },
    steps: once,
    most: ONE_CENT,
  },
]

export const DENIES: readonly Case[] = [
  {
    attack: 'hangs up on every payment; the caller retries',
    server: 'hang-up',
    steps: retried,
    most: ONE_CENT,
  },
  { attack: 'the same, under an Idempotency-Key', server: 'hang-up', steps: keyed, most: ONE_CENT },
  {
    attack: 'never answers a payment; the caller gives up and retries',
    server: 'no-answer',
    steps: [{ times: 3, givesUp: 'paid' }],
    most: ONE_CENT,
  },
  {
    attack: 'breaks off the answer; the caller retries under its key',
    server: 'half-an-answer',
    steps: keyed,
    most: ONE_CENT,
  },
  { attack: '"not paid", with a receipt of failure', server: 'not-paid', steps: retried, most: ONE_CENT },
  { attack: '"verification failed"', server: 'verification-failed', steps: retried, most: ONE_CENT },
  { attack: '500 after every payment', server: 'server-error', steps: retried, most: ONE_CENT },
  { attack: '503, try again at once', server: 'try-later', steps: retried, most: ONE_CENT },
  {
    attack: '"verification failed", so that the budget of 0.05 USD is free again',
    server: 'sponsored-never-paid',
    told: { budget: '0.05' },
    steps: TEN_CENTS,
    most: { cents: 5 },
  },
  ...(
    [
      ['a receipt of zero', 'receipt-of-nothing'],
      ["another payment's receipt", 'receipt-of-another'],
      ['a receipt of failure', 'receipt-of-failure'],
      ['no receipt', 'no-receipt'],
      ['a receipt of nonsense', 'receipt-of-nonsense'],
    ] as const
  ).map(
    ([what, server]): Case => ({
      attack: `serves with ${what}, so that the budget of 0.10 USD lasts`,
      server,
      told: { budget: '0.10' },
      steps: TEN_CENTS,
      most: { cents: 10 },
    }),
  ),
  { attack: 'gives a payment a validity of one year', server: 'lives-a-year', steps: once, most: ONE_CENT },
]

const askedOnce: Case['also'] = ({ shown }) =>
  shown.length === 1 ? undefined : `a person was asked ${shown.length} times`

export const BUDGETS: readonly Case[] = [
  {
    attack: '20 calls at once on a budget of 0.05 USD',
    server: 'sponsored',
    told: { budget: '0.05' },
    steps: [{ path: '/%', times: 20, atOnce: true }],
    most: { cents: 5 },
  },
  {
    attack: 'ten calls at once under one Idempotency-Key',
    server: 'sponsored',
    steps: [{ times: 10, atOnce: true, init: { headers: { 'idempotency-key': 'order-1' } } }],
    most: { cents: 1 },
  },
  {
    attack: 'a restart before every call on a budget of 0.05 USD',
    server: 'sponsored',
    told: { budget: '0.05' },
    steps: [{ path: '/%', times: 8, restarts: true }],
    most: { cents: 5 },
  },
  {
    attack: 'twelve vendors on a budget of 0.05 USD',
    server: 'sponsored',
    told: { budget: '0.05' },
    steps: [{ times: 12, shop: 'each' }],
    most: { cents: 5 },
  },
  {
    attack: 'the same order twelve times, one after the other, but it is wanted once',
    server: 'sponsored',
    told: { once: true },
    steps: [{ times: 12 }],
    most: ONE_CENT,
  },
  {
    attack: 'the same order twelve times at once, but it is wanted once',
    server: 'sponsored',
    told: { once: true },
    steps: [{ times: 12, atOnce: true }],
    most: ONE_CENT,
  },
  {
    attack: 'the same order after every restart, but it is wanted once',
    server: 'sponsored',
    told: { once: true },
    steps: [{ times: 6, restarts: true }],
    most: ONE_CENT,
  },
  {
    attack: 'a low price for a while, then ninety times as much',
    server: 'dear-later',
    told: { priceJump: '3' },
    steps: [{ times: 6 }],
    most: { cents: 0.6 },
  },
  {
    attack: 'a slightly higher price after every no of a person',
    server: 'dearer-each-time',
    told: { person: 'no' },
    steps: [{ times: 6 }],
    most: NOTHING,
    also: askedOnce,
  },
  {
    attack: '40 calls at once that a person has to approve',
    server: 'honest',
    told: { person: 'no' },
    steps: [{ times: 40, atOnce: true }],
    most: NOTHING,
    also: askedOnce,
  },
  {
    attack: 'a page that is free for clients that do not announce payment',
    server: 'ghost',
    told: { newVendor: true },
    most: NOTHING,
  },
]
