import { OTHER_DOLLAR, TOKEN } from '../offers.js'
import { type Case, NOTHING, type Step } from './case.js'

// Nodes of the chain that lie. None of them is believed, and none gets a payment to broadcast.

const once: readonly Step[] = [{}]
const FOUR_CENTS: readonly Step[] = [{ path: '/%', times: 4 }]
const NODES = [
  ['a node of another chain', 'other-chain'],
  ['a node that names no chain', 'no-chain'],
] as const

export const NODE_LIES: readonly Case[] = [
  ...NODES.flatMap(([what, node]): readonly Case[] => [
    {
      attack: `${what}; the server takes the payment`,
      server: 'honest',
      node,
      steps: [{ path: '/%', times: 2 }],
      most: { cents: 2, signatures: 2 },
      also: ({ outcomes }) =>
        outcomes.every(({ status }) => status === 200) ? undefined : 'its word kept a payment back',
    },
    {
      attack: `${what}; the payer broadcasts`,
      server: 'storm-of-pushes',
      node,
      steps: [{ times: 4 }],
      most: { cents: 0 },
    },
    {
      attack: `${what}: it shows that nothing was paid, so that the budget of 0.02 USD is free again`,
      server: 'sponsored-never-paid',
      node,
      told: { budget: '0.02' },
      steps: FOUR_CENTS,
      most: { cents: 2 },
    },
    {
      attack: `the same, for signed transfers of x402: ${what}`,
      server: 'x402-failed',
      rail: 'evm',
      node,
      told: { budget: '0.02' },
      steps: FOUR_CENTS,
      most: { cents: 2 },
    },
    {
      attack: `the same, for vouchers: ${what}`,
      server: 'session-v2-forgets',
      rail: 'session',
      node,
      told: { budget: '0.02' },
      steps: FOUR_CENTS,
      most: { cents: 2 },
    },
  ]),
  {
    attack: 'a node that shows no money for the fee but in a dollar that policy does not list',
    server: 'honest',
    node: 'no-fee-in-own-token',
    told: { currencies: 'own' },
    steps: [{ times: 2 }],
    most: NOTHING,
  },
  {
    attack: 'the same, but policy lists that dollar, and allows a fee of almost nothing',
    server: 'honest',
    node: 'no-fee-in-own-token',
    told: { maxFee: '0.0001' },
    steps: [{ times: 2 }],
    most: NOTHING,
  },
  {
    attack: 'the same, but policy lists that dollar: the fee is paid with it, and never with a euro',
    server: 'honest',
    node: 'no-fee-in-own-token',
    steps: once,
    most: { cents: 1, signatures: 1 },
    also: ({ feeTokens }) =>
      feeTokens.join() === OTHER_DOLLAR ? undefined : `fees are paid with ${feeTokens}`,
  },
  ...(['fee-token', 'fee-token-of-euros'] as const).map(
    (server): Case => ({
      attack: `a server that names ${server === 'fee-token' ? 'another dollar' : 'a euro'} for the fee`,
      server,
      steps: once,
      most: { cents: 1, signatures: 1 },
      also: ({ feeTokens }) => (feeTokens.join() === TOKEN ? undefined : `fees are paid with ${feeTokens}`),
    }),
  ),
]
