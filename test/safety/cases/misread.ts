import { ODD_AMOUNTS } from '../behaviours.js'
import { PAYEE } from '../offers.js'
import { type Case, type Findings, NOTHING, type Step } from './case.js'

const oneCent = { cents: 1 } as const

/** In front of the request, and behind it. */
const DESCRIBED: readonly Step[] = [{ path: '/midst' }, { path: '/end' }]

/** Nothing of an offer was left out of what is paid. */
const expires: Case['also'] = ({ seen }) =>
  seen.every(({ credential }) => credential === undefined || 'expires' in credential.challenge)
    ? undefined
    : 'an offer was paid without its expiry'

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

export const MISREAD: readonly Case[] = [
  {
    attack: 'a cheap offer that no wallet can pay before one of 50 USD',
    server: 'decoy',
    told: { limit: '0.10' },
    most: NOTHING,
  },
  { attack: "a challenge inside another one's quoted string", server: 'smuggle', most: NOTHING },
  { attack: 'the same, in words that need no quotes', server: 'smuggle-words', most: NOTHING },
  { attack: 'one parameter twice, with two payees', server: 'two-requests', most: NOTHING },
  { attack: 'a challenge in a 401', server: 'asks-with-401', most: NOTHING },
  {
    attack: 'a request that approves itself under names that all objects inherit',
    server: 'inherited-names',
    told: { person: 'no' },
    most: NOTHING,
  },
  {
    attack: 'amounts that are no plain integers',
    server: 'odd-amounts',
    steps: [{ path: '/%', times: ODD_AMOUNTS.length }],
    most: NOTHING,
  },
  {
    attack: 'its own decimals: 1 USD declared as almost nothing',
    server: 'own-decimals',
    told: { limit: '0.10' },
    most: NOTHING,
  },
  {
    attack: 'the expensive offer first, or the cheap one',
    server: 'either-order',
    steps: [{ path: '/dear-first' }, { path: '/cheap-first' }],
    most: { cents: 2 },
  },
  {
    attack: 'wants its credential in a cookie',
    server: 'cookie-carrier',
    most: { cents: 2 },
    also: ({ seen }) =>
      seen.some(({ credential }) => credential?.header === 'cookie') ? 'it went there' : undefined,
  },
  ...(
    [
      ['a second request in a description that is not escaped', 'description-with-request'],
      ['a second id and request in a description', 'description-with-id'],
      ['a request in a description, and another scheme for the one behind it', 'description-with-scheme'],
      [
        'a backslash at the end of a description, so that the expiry is part of it',
        'description-takes-expiry',
      ],
    ] as const
  ).map(
    ([attack, server]): Case => ({ attack, server, steps: DESCRIBED, most: { cents: 2 }, also: expires }),
  ),
  {
    attack: 'a whole challenge in a description, but the payees are listed',
    server: 'description-with-payee',
    told: { payees: [PAYEE] },
    steps: DESCRIBED,
    most: { cents: 2 },
  },
  {
    attack: 'an offer for the body that it saw; the caller makes another one for the payment',
    server: 'digest-of-body',
    steps: [{ init: { method: 'POST' }, makesBodies: true, times: 3 }],
    most: NOTHING,
  },
  {
    attack: 'the same, and it asks again for every body that comes',
    server: 'digest-of-each-body',
    steps: [{ init: { method: 'POST' }, makesBodies: true, times: 3 }],
    most: NOTHING,
  },
  {
    attack: 'a fresh challenge after every payment; the caller makes another body for each',
    server: 'storm-sponsored',
    steps: [
      { init: { method: 'POST', headers: { 'idempotency-key': 'order-1' } }, makesBodies: true, times: 4 },
    ],
    most: oneCent,
  },
  {
    attack: 'an offer for another body',
    server: 'other-digest',
    steps: [{ init: { method: 'POST', body: 'tea' } }],
    most: NOTHING,
  },
  {
    attack: 'instructions for a model in every text, and 50 USD',
    server: 'talk',
    told: { limit: '0.10' },
    most: NOTHING,
    also: ({ outcomes }) =>
      outcomes.some(({ said }) => /ignore all limits|update_settings/i.test(said))
        ? 'it repeats the orders'
        : undefined,
  },
  {
    attack: 'control characters for the approver',
    server: 'escapes',
    told: { person: 'no' },
    most: NOTHING,
    also: ({ shown }) => (shown.some((text) => CONTROLS.test(text)) ? 'it shows them' : undefined),
  },
]

const callers: Step = { init: { headers: { authorization: 'Bearer of-the-caller' } } }

export const DIVERTED: readonly Case[] = [
  { attack: 'a token that only looks like the dollar', server: 'lookalike-token', most: NOTHING },
  { attack: 'another chain', server: 'other-chain', most: NOTHING },
  { attack: 'another payee than the last time', server: 'other-payee-later', most: oneCent },
  { attack: 'a new split', server: 'split-later', most: oneCent },
  {
    attack: 'another payee than the one that is listed',
    server: 'thief-asks',
    told: { payees: [PAYEE] },
    most: NOTHING,
  },
  {
    attack: 'a split to a payee that is not listed',
    server: 'thief-splits',
    told: { payees: [PAYEE] },
    most: NOTHING,
  },
  { attack: 'a free signature that names another site', server: 'proof-for-another', most: NOTHING },
]

/** Requests that another origin got and that carry what was meant for this one. */
export function leaked({ seen }: Findings): string | undefined {
  const there = seen.filter(({ host }) => host.startsWith('localhost'))
  const secret = there.find(
    (one) => one.credential !== undefined || JSON.stringify(one).includes('callers-own'),
  )
  return secret === undefined ? undefined : 'another origin got what was not meant for it'
}

const carrying: Step = {
  init: { method: 'POST', body: 'callers-own-body', headers: { 'x-own': 'callers-own' } },
}

export const ELSEWHERE: readonly Case[] = [
  {
    attack: 'says that it is a trusted site',
    server: 'spoof',
    told: { vendor: 'https://trusted.example' },
    most: NOTHING,
  },
  {
    attack: 'is called by another name than the one that is listed',
    server: 'honest',
    told: { vendor: 'this' },
    steps: [{ host: 'localhost', times: 2 }],
    most: NOTHING,
  },
  {
    attack: 'asks over plain http, under an address that is not this machine',
    server: 'honest',
    told: { vendor: 'this' },
    steps: [{ host: '0.0.0.0', times: 2 }],
    most: NOTHING,
  },
  {
    attack: 'is asked by a caller whose Host header names another site',
    server: 'honest',
    told: { vendor: 'this' },
    steps: [{ init: { headers: { host: 'trusted.example' } } }],
    most: NOTHING,
  },
  {
    attack: 'redirects to another origin, which asks',
    server: 'redirect-to-402',
    most: NOTHING,
    also: leaked,
  },
  {
    attack: 'redirects the paid request to another origin',
    server: 'redirect-credential',
    steps: [carrying],
    most: oneCent,
    also: leaked,
  },
  {
    attack: 'the same, with the credential in its own header',
    server: 'redirect-other-carrier',
    steps: [carrying],
    most: oneCent,
    also: leaked,
  },
  {
    attack: 'redirects the paid request to another path',
    server: 'redirect-credential-here',
    steps: [{}],
    most: oneCent,
    also: ({ seen }) =>
      seen.some(({ url, credential }) => url === '/there' && credential)
        ? 'the credential went along'
        : undefined,
  },
  {
    attack: "wants its credential instead of the caller's Authorization",
    server: 'honest',
    steps: [callers],
    most: oneCent,
    also: ({ seen }) =>
      seen.every(({ headers }) => headers.authorization === 'Bearer of-the-caller')
        ? undefined
        : "the caller's Authorization was overwritten",
  },
]
