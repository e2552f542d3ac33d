import type { NodeFault } from '../node.js'
import type { Seen } from '../offers.js'
import type { ServerName } from '../server.js'

/**
 * What the user of a client tells it before anything happens, and what the case turns on. Beside it everybody is told
 * these two chains, a dollar on each, this origin, at most 0.10 USD a payment and 1 USD a day, as far as they can be.
 */
export interface Told {
  /** The most that a payment may cost, in dollars. */
  readonly limit?: '0.10' | '1'
  /** In dollars, instead of 1 USD a day. */
  readonly budget?: string
  /** The only ones who may be paid. */
  readonly payees?: readonly string[]
  /** The only origin that may be paid: `this` server under its own name, or another one. */
  readonly vendor?: string
  /** A price that is so many times the usual one needs a person. */
  readonly priceJump?: string
  /** A vendor that was never paid needs a person. */
  readonly newVendor?: true
  /** The same request is bought once in an hour. */
  readonly once?: true
  /** What the site advertises is read first, and a price above it needs a person. */
  readonly advertised?: true
  /** The most that may lie in channels, in dollars. Default 0.50. */
  readonly deposits?: '0'
  /** The only currency that may be paid with, fees included: the dollar of the offers. */
  readonly currencies?: 'own'
  /** The most that a fee may come to, in dollars. Default 0.05. */
  readonly maxFee?: string
  /** The account signs typed data, and nothing else. */
  readonly typedOnly?: true
  /** Every payment needs a person, who says this. */
  readonly person?: 'yes' | 'no'
}

/**
 * `session`: vouchers on a channel of Tempo. `evm`: signed transfers on a chain of Ethereum's kind, by x402 or MPP.
 * `stripe`: Shared Payment Tokens. `mcp`: Tempo's transfers for the tools of an MCP server.
 */
export type Rail = 'tempo' | 'session' | 'evm' | 'stripe' | 'mcp'

/** One thing that a client is asked to do. */
export interface Step {
  /** Default `/a`. With `times`, `%` in it is the number of the call. */
  readonly path?: string
  readonly init?: {
    readonly method?: string
    readonly body?: string
    readonly headers?: Record<string, string>
  }
  /** The caller makes the body anew for each request, and never the same one. Needs a client that takes such callers. */
  readonly makesBodies?: true
  /** Another name for this machine than the one that the client was told. */
  readonly host?: 'localhost' | '0.0.0.0'
  /** Which of several servers of the same kind; the client was told all of them. `each`: one after the other. */
  readonly shop?: 'each'
  /** So often, one after the other; or all at once. Default once. */
  readonly times?: number
  readonly atOnce?: true
  /** The caller gives up once the server has seen this request, or its credential. */
  readonly givesUp?: 'asked' | 'paid'
  /** The client is made anew before each call, on the same state, as after a restart of its process. */
  readonly restarts?: true
}

/** What a caller got. */
export interface Outcome {
  readonly status?: number
  /** The code of a problem or an error, or an error's name. */
  readonly code?: string
  readonly threw: boolean
  /** Everything that an error or a refusal of the client itself says. */
  readonly said: string
}

/** What came of it, as far as an attack can go wrong for a payer. Money is in cents. */
export interface Findings {
  readonly outcomes: readonly Outcome[]
  readonly signatures: number
  /** What whoever holds everything that left the client can cash at the most. */
  readonly cents: number
  /** The part of it that a stranger gets. */
  readonly stolenCents: number
  readonly seen: readonly Seen[]
  /** What the person was shown. */
  readonly shown: readonly string[]
  /** What signed transactions pay their fees with, each once. */
  readonly feeTokens: readonly string[]
}

/** An attack: a server, what a client is asked to do with it, and what counts as defended. */
export interface Case {
  /** In words, as the table has it. */
  readonly attack: string
  readonly server: ServerName
  /** What is paid with, where the case turns on it. Default `tempo`. */
  readonly rail?: Rail
  /** Through Stripe, a token is charged as soon as it comes; or, with this, as far as can be when all is over. */
  readonly later?: true
  readonly told?: Told
  /** How the node of the chain answers, if not as a node should. */
  readonly node?: NodeFault
  /** Default: the same GET twice. */
  readonly steps?: readonly Step[]
  readonly most: {
    readonly cents: number
    readonly signatures?: number
    /** Default 0. */
    readonly stolenCents?: number
  }
  /** What else is wrong, if anything. */
  readonly also?: (findings: Findings) => string | undefined
}

/** Cases of one kind, under a heading. */
export interface Group {
  readonly name: string
  readonly cases: readonly Case[]
  /** Their memory is looked at: nothing else may run meanwhile. */
  readonly alone?: true
}

export const NOTHING = { cents: 0, signatures: 0 } as const
