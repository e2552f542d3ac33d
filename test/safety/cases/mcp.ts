import { type Case, NOTHING, type Step } from './case.js'

const one = { cents: 1, signatures: 1 } as const
/** The second one takes the place of the first: at most one of them can settle. */
const replaced = { cents: 1, signatures: 2 } as const
const given: readonly Step[] = [{ givesUp: 'paid' }]

const ATTACKS: readonly Omit<Case, 'rail'>[] = [
  {
    attack: 'asks for 50 USD in the words of a failed tool, with a challenge among them',
    server: 'mcp-prose',
    most: NOTHING,
  },
  { attack: 'sends challenges as texts of a failed tool', server: 'mcp-json-in-text', most: NOTHING },
  {
    attack: 'sends an x402 demand as the content of a tool that succeeded',
    server: 'mcp-x402-that-succeeded',
    most: NOTHING,
  },
  {
    attack: 'a tool description that asks for money, and a challenge beside the list',
    server: 'mcp-begging-tool',
    most: NOTHING,
  },
  { attack: 'charges for the list of tools', server: 'mcp-charging-list', most: NOTHING },
  { attack: 'asks to open a page that takes 50 USD (URL elicitation)', server: 'mcp-elicits', most: NOTHING },
  { attack: 'asks for money again after every payment of a tool', server: 'mcp-storm', most: replaced },
  {
    attack: 'a tool that costs one cent, and 50 USD at the second call',
    server: 'mcp-raises-later',
    most: one,
  },
  { attack: 'a tool that takes one cent and asks for nine', server: 'mcp-raises-at-once', most: one },
  { attack: 'relays the challenge of another server at the second call', server: 'mcp-relays', most: one },
  {
    attack: 'a server under a name that the policy does not list',
    server: 'mcp-honest',
    told: { vendor: 'mcp:another' },
    most: NOTHING,
  },
  {
    attack: 'takes the credential and rejects it (-32043), with a fresh challenge',
    server: 'mcp-rejects',
    most: replaced,
  },
  {
    attack: 'takes the credential, and the SDK makes a failed tool of the rejection',
    server: 'mcp-flattens',
    most: one,
  },
  { attack: 'takes the credential, and the tool fails', server: 'mcp-fails', most: one },
  {
    attack: 'takes the credential and is silent; the caller cancels',
    server: 'mcp-silent',
    steps: given,
    most: one,
  },
  {
    attack: 'takes the credential and tells of progress without end; the caller cancels',
    server: 'mcp-progress',
    steps: given,
    most: one,
  },
  {
    attack: 'tells of progress without end and never asks; the caller cancels',
    server: 'mcp-progress-first',
    steps: [{ givesUp: 'asked' }],
    most: NOTHING,
  },
  {
    attack: 'asks, and sends a second answer to the same request while it is paid',
    server: 'mcp-asks-twice',
    steps: [{}],
    most: one,
    also: ({ outcomes }) => (outcomes[0]?.status === 200 ? undefined : 'the caller got the second answer'),
  },
  {
    attack: 'a cheap challenge in `_meta`, and 50 USD for a stranger in the content',
    server: 'mcp-two-readings',
    most: { cents: 2 },
  },
  { attack: 'a challenge that is 3,000 levels deep', server: 'mcp-deep', most: NOTHING },
  {
    attack: '5,000 challenges of 50 USD, and a cheap one for a stranger behind them',
    server: 'mcp-many',
    most: NOTHING,
  },
  {
    attack: 'a challenge over MCP that approves itself by `__proto__`',
    server: 'mcp-inherited',
    told: { person: 'no' },
    most: NOTHING,
  },
]

/** Servers of MCP tools, paid on Tempo. */
export const MCP: readonly Case[] = ATTACKS.map((attack) => ({ ...attack, rail: 'mcp' }))

export const MCP_CONTROL: readonly Case[] = [
  {
    attack: 'none: a tool of an MCP server, two purchases',
    server: 'mcp-honest',
    rail: 'mcp',
    most: { cents: 2, signatures: 2 },
    also: ({ outcomes, cents }) =>
      outcomes.every(({ status }) => status === 200) && cents === 2
        ? undefined
        : 'it was not paid and served twice',
  },
]
