import { ODD_AMOUNTS } from '../behaviours.js'
import { PAYEE } from '../offers.js'
import type { X402BehaviourName } from '../x402-behaviours.js'
import { type Case, type Findings, NOTHING, type Step } from './case.js'
import { leaked } from './misread.js'

// Signed transfers: x402 in both versions, and MPP on a chain of Ethereum's kind.

const once: readonly Step[] = [{}]
const retried: readonly Step[] = [{ times: 4 }]
const PAGES: readonly Step[] = [{ path: '/a' }, { path: '/b' }]
const ONE_CENT = { cents: 1 } as const
const TEN_CENTS: readonly Step[] = [{ path: '/%', times: 12 }]

const evm = (attack: string, server: X402BehaviourName, rest: Omit<Case, 'attack' | 'server'>): Case => ({
  attack,
  server,
  rail: 'evm',
  ...rest,
})

const twice: Case['also'] = ({ outcomes, cents }) =>
  outcomes.every(({ status }) => status === 200) && cents === 2 ? undefined : 'it was not paid twice'

export const EVM_CONTROL: readonly Case[] = (
  [
    ['x402', 'x402-honest'],
    ['x402 in version 1', 'x402-v1-honest'],
    ['x402 by Permit2', 'x402-permit2-honest'],
    ['a ceiling of x402', 'x402-upto-honest'],
    ['MPP with signed transfers', 'mpp-evm-honest'],
  ] as const
).map(([what, server]) =>
  evm(`none: ${what}, two purchases`, server, {
    steps: [{ path: '/%', times: 2 }],
    most: { cents: 2, signatures: 2 },
    also: twice,
  }),
)

const oneCent = (attack: string, server: X402BehaviourName, steps: readonly Step[] = once): Case =>
  evm(attack, server, { steps, most: ONE_CENT })

export const EVM_ASKS_AGAIN: readonly Case[] = [
  oneCent('x402: a fresh offer after every payment', 'x402-storm'),
  oneCent('x402: the same, and the caller retries four times', 'x402-storm', retried),
  oneCent('x402: the same, in version 1', 'x402-v1-storm', retried),
  oneCent('x402: the same, by Permit2', 'x402-permit2-storm', retried),
  oneCent('x402: the same, for a ceiling', 'x402-upto-storm', retried),
  oneCent('x402: the same, with payments that are bound to their route', 'x402-route-storm', retried),
  oneCent('MPP: a fresh challenge after every signed transfer', 'mpp-evm-storm', retried),
  oneCent('x402: five times the price, after the first payment', 'x402-escalate'),
  oneCent('x402: another payee, after the first payment', 'x402-divert'),
  oneCent('x402: another token, after the first payment', 'x402-other-asset'),
  oneCent('x402: Permit2, after a payment by EIP-3009', 'x402-other-transfer'),
  oneCent('x402: a ceiling, after the first payment', 'x402-to-ceiling'),
  oneCent('x402: the other version, after the first payment', 'x402-other-version'),
  oneCent('another rail: MPP on the same chain, after a payment by x402', 'x402-to-mpp', retried),
  oneCent('another rail: Tempo, after a payment by x402', 'x402-to-tempo', retried),
  oneCent('another rail: x402, after a payment on Tempo', 'tempo-to-x402', retried),
]

const fifty = (attack: string, server: X402BehaviourName): Case =>
  evm(attack, server, { told: { limit: '0.10' }, most: NOTHING })

export const EVM_DENIES: readonly Case[] = [
  oneCent('x402: hangs up on every payment; the caller retries', 'x402-hang-up', retried),
  oneCent('x402: the same, and the process restarts before every try', 'x402-hang-up', [
    { times: 4, restarts: true },
  ]),
  oneCent('x402: never answers a payment; the caller gives up and retries', 'x402-no-answer', [
    { times: 3, givesUp: 'paid' },
  ]),
  oneCent('x402: 500 after every payment', 'x402-server-error', retried),
  oneCent('x402: "the settlement failed", and asks again', 'x402-failed', retried),
  oneCent('x402: "the settlement is pending", and asks again', 'x402-pending', retried),
  evm('x402: "the settlement failed", so that the budget of 0.05 USD is free again', 'x402-failed', {
    told: { budget: '0.05' },
    steps: TEN_CENTS,
    most: { cents: 5 },
  }),
  ...(
    [
      ["another payment's receipt", 'x402-receipt-of-another'],
      ['a receipt of failure', 'x402-served-as-failed'],
      ['no receipt', 'x402-no-receipt'],
      ['a receipt of nonsense', 'x402-receipt-of-nonsense'],
      ['a ceiling of 0.05 USD that is reported as zero', 'x402-ceiling-of-nothing'],
      ['a ceiling of 0.05 USD that is always taken in full', 'x402-ceiling-in-full'],
    ] as const
  ).map(([what, server]) =>
    evm(`x402: serves with ${what}, so that the budget of 0.10 USD lasts`, server, {
      told: { budget: '0.10' },
      steps: TEN_CENTS,
      most: { cents: 10 },
    }),
  ),
  fifty('x402: a ceiling of 50 USD for a small thing', 'x402-high-ceiling'),
  oneCent('x402: gives a payment a validity of one year', 'x402-lives-a-year'),
  oneCent('x402: gives a permit a validity of one year', 'x402-permit-lives-a-year'),
  oneCent('MPP: gives a signed transfer a validity of one year', 'mpp-evm-lives-a-year'),
  evm('x402: a low price for a while, then ninety times as much', 'x402-dear-later', {
    told: { priceJump: '3' },
    steps: [{ times: 6 }],
    most: { cents: 0.6 },
  }),
  evm('x402: 20 calls at once on a budget of 0.05 USD', 'x402-honest', {
    told: { budget: '0.05' },
    steps: [{ path: '/%', times: 20, atOnce: true }],
    most: { cents: 5 },
  }),
]

const nothing = (attack: string, server: X402BehaviourName): Case => evm(attack, server, { most: NOTHING })
const twoCents = (attack: string, server: X402BehaviourName): Case =>
  evm(attack, server, { most: { cents: 2 } })

export const EVM_MISREAD: readonly Case[] = [
  fifty('x402: a cheap entry that no wallet can pay before one of 50 USD', 'x402-decoy'),
  evm('x402: the expensive entry first, or the cheap one', 'x402-either-order', {
    steps: [{ path: '/dear-first' }, { path: '/cheap-first' }],
    most: { cents: 2 },
  }),
  evm('x402: amounts that are no plain integers', 'x402-odd-amounts', {
    steps: [{ path: '/%', times: ODD_AMOUNTS.length }],
    most: NOTHING,
  }),
  fifty('x402: its own decimals: 50 USD declared as almost nothing', 'x402-own-decimals'),
  fifty('MPP: the same, for a signed transfer', 'mpp-evm-own-decimals'),
  twoCents('x402: the price of version 1 next to the one of version 2', 'x402-two-prices'),
  fifty('x402: a price of version 2 that hides the one of version 1', 'x402-v1-two-prices'),
  twoCents('x402: another offer in the body than in the header', 'x402-header-and-body'),
  ...(
    [
      ['x402: a broken header with a body of version 1', 'x402-broken-header'],
      ['x402: an empty header with a body of version 1', 'x402-empty-header'],
    ] as const
  ).map(([attack, server]) =>
    evm(attack, server, { steps: [{ path: '/%', times: 2 }], most: { cents: 2 }, also: twice }),
  ),
  fifty('x402: a broken header of almost nothing with a body of 50 USD', 'x402-broken-header-fifty'),
  ...(
    [
      ['x402: a broken header with a body with another payee', 'x402-broken-header-thief'],
      ['x402: a header that no wallet can pay with a body with another payee', 'x402-unpayable-header-thief'],
    ] as const
  ).map(([attack, server]) => evm(attack, server, { told: { payees: [PAYEE] }, most: NOTHING })),
  oneCent('x402: a broken header and a body after every payment', 'x402-broken-header-storm', retried),
  oneCent('x402: a more expensive body, after its header was paid', 'x402-header-then-body', retried),
  nothing('x402: a signing name that is not that of the token', 'x402-other-name'),
  twoCents('x402: another chain and contract to sign for', 'x402-other-domain'),
  twoCents('x402: its own spender for a permit', 'x402-own-spender'),
  twoCents('x402: its own facilitator for a ceiling', 'x402-thief-settles'),
  nothing('x402: a euro instead of a dollar', 'x402-euro'),
  nothing('x402: the same, under the name of the dollar', 'x402-euro-as-dollar'),
  nothing('x402: a token that only looks like the dollar', 'x402-lookalike'),
  nothing("x402: another chain's dollar", 'x402-other-chain'),
  evm('x402: another payee than the last time', 'x402-other-payee-later', { most: ONE_CENT }),
  evm('x402: another payee than the one that is listed', 'x402-thief-asks', {
    told: { payees: [PAYEE] },
    most: NOTHING,
  }),
  {
    attack: 'advertises a cent, and asks for five',
    server: 'advertised',
    told: { advertised: true },
    steps: once,
    most: NOTHING,
  },
]

/** Asked of an account that signs typed data only: what it is shown is what it signs. */
export const EVM_TYPED: readonly Case[] = (
  [
    ['another chain and contract to sign for', 'x402-other-domain', ONE_CENT],
    ['a signing name that is not that of the token', 'x402-other-name', NOTHING],
    ['its own spender for a permit', 'x402-own-spender', ONE_CENT],
    ['its own facilitator for a ceiling', 'x402-thief-settles', ONE_CENT],
    ['a euro instead of a dollar', 'x402-euro', NOTHING],
    ['the same, under the name of the dollar', 'x402-euro-as-dollar', NOTHING],
    ['a token that only looks like the dollar', 'x402-lookalike', NOTHING],
    ["another chain's dollar", 'x402-other-chain', NOTHING],
    ['another token, after the first payment', 'x402-other-asset', ONE_CENT],
    ['Permit2, after a payment by EIP-3009', 'x402-other-transfer', ONE_CENT],
    ['MPP: its own decimals', 'mpp-evm-own-decimals', NOTHING],
  ] as const
).map(([what, server, most]) =>
  evm(`typed data only: ${what}`, server, { told: { typedOnly: true }, steps: once, most }),
)

const carrying: Step = {
  init: { method: 'POST', body: 'callers-own-body', headers: { 'x-own': 'callers-own' } },
}

const signedIn = ({ seen }: Findings): string | undefined =>
  seen.some(({ headers }) => headers['sign-in-with-x'] !== undefined) ? 'it signed in there' : undefined

/** What was signed for one page is shown at no other. */
const shown = ({ seen }: Findings): string | undefined => {
  const raws = seen.flatMap(({ url, credential }) => (credential ? [`${url} ${credential.raw}`] : []))
  const words = new Set(raws.map((each) => each.slice(each.indexOf(' '))))
  return words.size === new Set(raws).size ? undefined : 'a payment was shown at another page'
}

export const EVM_ELSEWHERE: readonly Case[] = [
  evm('x402: says that it is a trusted site', 'x402-spoof', {
    told: { vendor: 'https://trusted.example' },
    most: NOTHING,
  }),
  evm('x402: asks for a sign-in to another site', 'x402-sign-in-elsewhere', {
    most: { cents: 2 },
    also: signedIn,
  }),
  evm('x402: redirects to another origin, which asks', 'x402-redirect-to-402', {
    most: NOTHING,
    also: leaked,
  }),
  ...(
    [
      ['x402: redirects the paid request to another origin', 'x402-redirect-credential'],
      ['x402: redirects the paid request of version 1 to another origin', 'x402-v1-redirect-credential'],
    ] as const
  ).map(([attack, server]) => evm(attack, server, { steps: [carrying], most: ONE_CENT, also: leaked })),
  evm('x402: redirects the paid request to another path', 'x402-redirect-credential-here', {
    steps: once,
    most: ONE_CENT,
    also: ({ seen }) =>
      seen.some(({ url, credential }) => url === '/there' && credential)
        ? 'the credential went along'
        : undefined,
  }),
  evm('x402: the same offer for two pages', 'x402-honest', {
    steps: PAGES,
    most: { cents: 2 },
    also: shown,
  }),
  evm('MPP: the same challenge for two pages', 'mpp-evm-one-id', {
    steps: PAGES,
    most: { cents: 2 },
  }),
]
