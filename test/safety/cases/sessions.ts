import type { SessionBehaviourName } from '../session-behaviours.js'
import { type Case, NOTHING, type Step } from './case.js'

// Vouchers on channels, in both versions of the protocol. The first call opens a channel and is served.

const session = (
  attack: string,
  server: SessionBehaviourName,
  rest: Omit<Case, 'attack' | 'server' | 'rail'>,
): Case => ({
  attack,
  server,
  rail: 'session',
  ...rest,
})

const CALLS: readonly Step[] = [{ path: '/%', times: 12 }]
/** Of one channel: what opened it, and one voucher for nothing. A second channel may be opened within the day. */
const TWO_CHANNELS = { cents: 4 } as const

const both = (of: (version: 'v2' | 'v1', called: string) => readonly Case[]): readonly Case[] => [
  ...of('v2', 'session'),
  ...of('v1', 'session of version 1'),
]

export const SESSION_CONTROL: readonly Case[] = both((version, called) => [
  session(`none: a ${called}, three calls`, `session-${version}-honest`, {
    steps: [{ path: '/%', times: 3 }],
    most: { cents: 3, signatures: 4 },
    also: ({ outcomes, cents }) =>
      outcomes.every(({ status }) => status === 200) && cents === 3
        ? undefined
        : 'it was not paid three times',
  }),
])

export const SESSIONS: readonly Case[] = both((version, called) => [
  session(`${called}: forgets its channel after each opening`, `session-${version}-forgets`, {
    steps: CALLS,
    most: TWO_CHANNELS,
  }),
  session(`${called}: the same, and calls it finalized`, `session-${version}-finalized`, {
    steps: CALLS,
    most: TWO_CHANNELS,
  }),
  session(`${called}: the same, without a word`, `session-${version}-forgets-without-a-word`, {
    steps: CALLS,
    most: TWO_CHANNELS,
  }),
  session(`${called}: the same, to twelve calls at once`, `session-${version}-forgets`, {
    steps: [{ path: '/first' }, { path: '/%', times: 12, atOnce: true }],
    most: TWO_CHANNELS,
  }),
  session(`${called}: the same, and the process restarts before every call`, `session-${version}-forgets`, {
    steps: [{ path: '/%', times: 6, restarts: true }],
    most: TWO_CHANNELS,
  }),
  session(`${called}: forgets its channel, and asks again at once`, `session-${version}-forgets-and-asks`, {
    steps: CALLS,
    most: TWO_CHANNELS,
  }),
  session(`${called}: denies every channel, and the opening too`, `session-${version}-denies-all`, {
    steps: CALLS,
    most: { cents: 2 },
  }),
  session(
    `${called}: says that it took nothing, and forgets every third time`,
    `session-${version}-small-receipts`,
    {
      steps: CALLS,
      most: { cents: 6 },
    },
  ),
  session(`${called}: a charge, once it has a voucher for the same`, `session-${version}-to-charge`, {
    steps: [{ path: '/a' }, { path: '/b' }],
    most: { cents: 2 },
  }),
  session(`${called}: nothing may be locked up`, `session-${version}-honest`, {
    told: { deposits: '0' },
    steps: CALLS,
    most: NOTHING,
  }),
])

/** A voucher in a stream is sent while the stream is read: the caller must not have left by then. */
export const STREAMS: readonly Case[] = both((version, called) => [
  session(`${called}: forgets its channel during a stream`, `session-${version}-stream`, {
    steps: [{ path: '/%', times: 6 }],
    most: TWO_CHANNELS,
  }),
])
