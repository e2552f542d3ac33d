import type { Mutant } from './list.js'

const FORGOTTEN = ['test/session/forgotten.live.test.ts']
const RECLAIM = ['test/client/reclaim.test.ts']
const MACHINE = ['test/session/machine.test.ts']

/** Sessions that a vendor says it does not know. */
export const FORGETTING: readonly Mutant[] = [
  {
    name: 'repeatable-untold',
    breaks: 'a caller whose session was denied does not see that the same request may be sent again',
    file: 'src/ledger/payment-row.ts',
    find: 'if (row.repeatable === true) shown.repeatable = true',
    replace: '',
    tests: ['test/ledger/memory.test.ts', 'test/ledger/sqlite.test.ts'],
    named: 'told so, except under a key',
  },
  {
    name: 'close-not-shown-is-progress',
    breaks: 'a node that never shows a forced close makes Purser pay for another one every minute',
    file: 'src/client/reclaim.ts',
    find: 'if (nextStep(channel, view, env.clock.now()) === kind) throw notShown(kind, channel)',
    replace: '',
    tests: RECLAIM,
    named: 'longer and longer',
  },
  {
    name: 'closes-paid-without-end',
    breaks: 'a node that never shows a forced close makes Purser pay for one each day',
    file: 'src/client/reclaim.ts',
    find: 'if (before >= MOST_PAID)',
    replace: 'if (before >= Number.MAX_VALUE)',
    tests: RECLAIM,
  },
  {
    name: 'denied-channel-signed-on',
    breaks: 'a channel that the vendor denies stays open, and every call signs one price more on it',
    file: 'src/session/machine.ts',
    find: 'return forgotten(channel, event.at)',
    replace: 'return unchanged(channel)',
    tests: FORGOTTEN,
    named: 'gets one voucher',
  },
  {
    name: 'denied-channel-found-open',
    breaks: 'a channel that the vendor denies is open again as soon as the chain shows it',
    file: 'src/session/machine.ts',
    find: 'if (channel.forgottenAt !== undefined) return foundForgotten(channel, deposit)',
    replace: '',
    tests: MACHINE,
  },
  {
    name: 'denials-without-end',
    breaks: 'a vendor that denies every channel gets a new one with each call',
    file: 'src/session/forgotten.ts',
    find: 'return forgotten < 2 ? 0 :',
    replace: 'return forgotten > 0 ? 0 :',
    tests: FORGOTTEN,
    named: 'denies every channel',
  },
  {
    name: 'denial-by-status-missed',
    breaks: 'a 410 without a problem, as a HEAD or a socket gives it, is no denial',
    file: 'src/session/forgotten.ts',
    find: "(type === 'about:blank' && status === GONE)",
    replace: "(type === 'about:blank' && status === 0)",
    tests: FORGOTTEN,
    named: 'HEAD has no body',
  },
  {
    name: 'denial-of-a-top-up-missed',
    breaks: 'a top-up that the vendor denies does not end the channel',
    file: 'src/pay/submit.ts',
    find: '      await notifyRejected(reading, { authorized, evidence: authorized.attempt.evidence }, env)\n',
    replace: '',
    tests: FORGOTTEN,
    named: 'after a top-up',
  },
  {
    name: 'denied-request-blocked',
    breaks: 'the same request is not paid for again after the vendor has denied the channel',
    file: 'src/ledger/query.ts',
    find: '!delivered && repeatable !== true',
    replace: '!delivered && repeatable !== false',
    tests: ['test/ledger/memory.test.ts', 'test/ledger/sqlite.test.ts'],
    named: 'told so, except under a key',
  },
  {
    name: 'denied-deposit-left',
    breaks: 'the deposit of a denied channel is not fetched back',
    file: 'src/client/open.ts',
    find: 'await this.#reclaims.runDue()',
    replace: '',
    tests: FORGOTTEN,
    named: 'without a call of the owner',
  },
]
