import type { Mutant } from './list.js'

const FORGOTTEN = ['test/session/forgotten.live.test.ts']
const RECLAIM = ['test/client/reclaim.test.ts']
const MACHINE = ['test/session/machine.test.ts']

/** Faults with sessions that a vendor no longer knows. */
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
    breaks: 'Purser pays for another forced close every minute if a node never shows the first one',
    file: 'src/client/reclaim.ts',
    find: 'if (nextStep(channel, view, env.clock.now()) === kind) throw notShown(kind, channel)',
    replace: '',
    tests: RECLAIM,
    named: 'longer and longer',
  },
  {
    name: 'closes-paid-without-end',
    breaks: 'Purser pays for a forced close every day if a node never shows one',
    file: 'src/client/reclaim.ts',
    find: 'if (before >= MOST_PAID)',
    replace: 'if (before >= Number.MAX_VALUE)',
    tests: RECLAIM,
  },
  {
    name: 'denied-channel-signed-on',
    breaks: 'a channel that the vendor denies stays open, so each call signs for one more price on it',
    file: 'src/session/machine.ts',
    find: 'return forgotten(channel, event.at)',
    replace: 'return unchanged(channel)',
    tests: FORGOTTEN,
    named: 'gets one voucher',
  },
  {
    name: 'denied-channel-found-open',
    breaks: 'a channel that the vendor denies counts as open again as soon as the chain shows it',
    file: 'src/session/machine.ts',
    find: 'if (channel.forgottenAt !== undefined) return foundForgotten(channel, deposit)',
    replace: '',
    tests: MACHINE,
  },
  {
    name: 'denials-without-end',
    breaks: 'Purser opens a new channel with each call if a vendor denies every channel',
    file: 'src/session/forgotten.ts',
    find: 'return forgotten < 2 ? 0 :',
    replace: 'return forgotten > 0 ? 0 :',
    tests: FORGOTTEN,
    named: 'denies every channel',
  },
  {
    name: 'denial-by-status-missed',
    breaks:
      'a 410 without a problem document, as a HEAD request or a socket gets it, does not count as a denial',
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
    breaks: 'Purser does not pay for the same request again after the vendor denied the channel',
    file: 'src/ledger/query.ts',
    find: '!delivered && repeatable !== true',
    replace: '!delivered && repeatable !== false',
    tests: ['test/ledger/memory.test.ts', 'test/ledger/sqlite.test.ts'],
    named: 'told so, except under a key',
  },
  {
    name: 'denied-deposit-left',
    breaks: 'Purser does not reclaim the deposit of a denied channel',
    file: 'src/client/open.ts',
    find: 'await this.#reclaims.runDue()',
    replace: '',
    tests: FORGOTTEN,
    named: 'without a call of the owner',
  },
]
