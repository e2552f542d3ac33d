import type { FloodName } from '../floods.js'
import type { Case, Step } from './case.js'

const once: readonly Step[] = [{}]

const flood = (attack: string, server: FloodName, steps: readonly Step[] = once): Case => ({
  attack,
  server,
  steps,
  most: { cents: 1 },
})

/** What counts everywhere counts here: a bound on what is read of the socket, and on memory. */
export const FLOODED: readonly Case[] = [
  flood('the longest id that a header takes', 'long-id'),
  flood('the longest realm', 'long-realm'),
  flood('the longest description', 'long-description'),
  flood('a header longer than the client takes', 'too-long-a-header'),
  flood('80,000 headers', 'many-headers'),
  flood('10,000 good challenges in one header', 'ten-thousand-offers'),
  flood('10,000 broken challenges before a good one', 'ten-thousand-fragments'),
  flood('a request of 100,000 nested lists', 'deep-request'),
  flood('a request of 5,000 nested lists', 'deep-request-short'),
  flood('a problem of 100,000 nested lists', 'deep-problem'),
  flood('a problem of 30,000 nested lists', 'deep-problem-short'),
  flood('a receipt of 100,000 nested lists', 'deep-receipt'),
  flood('a receipt of 20,000 nested lists', 'deep-receipt-short'),
  flood('the longest receipt', 'long-receipt'),
  flood('a 402 without end', 'endless-402'),
  flood('a 402 byte by byte', 'dripping-402'),
  flood('no head; the caller gives up', 'no-head', [{ givesUp: 'asked' }]),
  flood('a head byte by byte; the caller gives up', 'dripping-head', [{ givesUp: 'asked' }]),
  flood('interim replies without end; the caller gives up', 'endless-hints', [{ givesUp: 'asked' }]),
  flood('a 402 that unpacks to a gibibyte', 'bomb-402'),
  flood('a problem that unpacks to a gibibyte', 'bomb-problem'),
  flood('an answer that unpacks to a gibibyte', 'bomb-answer'),
  flood('a problem without end', 'endless-problem'),
  flood('an answer without end', 'endless-answer'),
  {
    attack: 'a node of the chain that answers without end',
    server: 'honest',
    node: 'endless',
    steps: once,
    most: { cents: 1 },
  },
  {
    attack: 'a node of the chain whose answers unpack to a gibibyte',
    server: 'honest',
    node: 'bomb',
    steps: once,
    most: { cents: 1 },
  },
]
