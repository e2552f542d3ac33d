import { APPROVALS } from './approvals.js'
import { AUTO } from './auto.js'
import { BODIES } from './bodies.js'
import { CHOOSING } from './choosing.js'
import { CLI } from './cli.js'
import { CLI_LOOK } from './cli-look.js'
import { EVM } from './evm.js'
import { FEES } from './fees.js'
import { FORGETTING } from './forgotten.js'
import { HARDENING } from './hardening.js'
import { KEY_VALUE } from './key-value.js'
import { LIGHTNING } from './lightning.js'
import { LOST_LOG } from './lost-log.js'
import { MCP } from './mcp.js'
import { NODES } from './nodes.js'
import { NOTIFY } from './notify.js'
import { POWER } from './power.js'
import { RECORDS } from './records.js'
import { REFUSALS } from './refusals.js'
import { REPEATS } from './repeats.js'
import { SENTENCES } from './sentences.js'
import { SERVE } from './serve.js'
import { STRIPE } from './stripe.js'
import { TESTING } from './testing.js'
import { TIME } from './time.js'
import { UPKEEP } from './upkeep.js'

/** One deliberate fault, and the tests that must notice it. */
export interface Mutant {
  readonly name: string
  /** The behaviour that goes wrong, as one clause. */
  readonly breaks: string
  readonly file: string
  /** A snippet of the file that occurs exactly once. */
  readonly find: string
  readonly replace: string
  /** Test files; at least one of them must fail. */
  readonly tests: readonly string[]
  /** If set, only tests whose names match run. Used for files that take long. */
  readonly named?: string
  /** Set if the fault makes a loop without end: the test is then ended after a minute, and that counts as noticed. */
  readonly endless?: true
}

const CONTRACT = ['test/ledger/memory.test.ts']
const DECISIONS = ['test/policy/decisions.test.ts']
const DOUBTS = ['test/pay/doubts.test.ts']
const INSPECT = ['test/wallet/tempo/inspect.test.ts']
const WALLET = ['test/wallet/tempo/pay.test.ts']

const TOTALS = ['test/pay/totals.test.ts']

const SESSIONS: readonly Mutant[] = [
  {
    name: 'total-not-written',
    breaks: 'the ledger does not store the signed total of a channel with the commit',
    file: 'src/ledger/payment-state.ts',
    find: 'return { row: { ...committed, signed: true }, lane: { free: false, value: move.signed } }',
    replace: 'return { row: { ...committed, signed: true }, lane: { free: false } }',
    tests: CONTRACT,
  },
  {
    name: 'nonce-lane-freed-in-doubt',
    breaks: 'the next payment gets a nonce lane while the first payment on it is in doubt',
    file: 'src/ledger/payment-state.ts',
    find: 'return { row: left, lane: { free: row.signed === true } }',
    replace: 'return { row: left, lane: { free: true } }',
    tests: CONTRACT,
  },
  {
    name: 'deposit-unlocked-early',
    breaks: 'the deposit of a channel stops counting in its budgets while the channel is still closing',
    file: 'src/ledger/ledger.ts',
    find: "const behind = channel.state === 'closed' ? [] : channel.funding",
    replace: "const behind = channel.state === 'open' ? channel.funding : []",
    tests: CONTRACT,
  },
  {
    name: 'asked-without-a-402',
    breaks: 'Purser pays a remembered challenge although policy requires an approval',
    file: 'src/pay/authorize/authorize.ts',
    find: "if (payingUpfront && decision.effect !== 'allow') return false",
    replace: 'if (payingUpfront && decision.effect.length === 0) return false',
    tests: TOTALS,
  },
  {
    name: 'lane-moved-unseen',
    breaks: 'the wallet signs a voucher for a total that has changed since the quote',
    file: 'src/ledger/lanes.ts',
    find: "if (request.at !== undefined && request.at !== value) return 'moved'",
    replace: "if (request.at !== undefined && request.at > value) return 'moved'",
    tests: CONTRACT,
  },
  {
    name: 'voucher-follows-claims',
    breaks: 'a voucher grows by the amount that the server claims',
    file: 'src/session/quote.ts',
    find: 'return missing < session.price ? missing : session.price',
    replace: 'return missing',
    tests: ['test/session/quote.test.ts'],
  },
]

const PAY: readonly Mutant[] = [
  {
    name: 'release-on-402',
    breaks: 'a payment stops counting in its budget if the server answers it with a 402',
    file: 'src/pay/settle.ts',
    find: `if (verdict.state !== 'void') return asked(false, payment)`,
    replace: `if (verdict.state !== 'void') return asked(true, await transition(payment, { to: 'released', reason: '402' }, env))`,
    tests: DOUBTS,
  },
  {
    name: 'release-on-500',
    breaks: 'a payment stops counting in its budget if the server answers it with a 500',
    file: 'src/pay/settle.ts',
    find: 'payment: (await abandonCall({ payment, recheckAt, problem }, env)).payment',
    replace: `payment: await transition(payment, { to: 'released', reason: '500' }, env)`,
    tests: DOUBTS,
  },
  {
    name: 'release-on-already-used',
    breaks: "Purser takes a server's answer `already used` as proof",
    file: 'src/pay/recovery/inspection.ts',
    find: 'return own(await wallet.inspect(evidence, context))',
    replace: `if (told !== undefined) return { state: 'void', reason: 'the server says so' }
    return own(await wallet.inspect(evidence, context))`,
    tests: ['test/pay/doubts.test.ts', 'test/pay/flow.test.ts', 'test/safety/lies-and-losses.test.ts'],
  },
  {
    name: 'second-while-first-lives',
    breaks: 'Purser allows a second credential that does not exclude the first one',
    file: 'src/pay/authorize/replacement.ts',
    find: 'alive: dead ? undefined : { evidence, wallet }',
    replace: 'alive: evidence && wallet && dead ? undefined : undefined',
    tests: DOUBTS,
  },
  {
    name: 'third-credential',
    breaks: 'Purser sends a third credential if a server keeps asking',
    file: 'src/pay/deliver.ts',
    find: 'restart ?? (round === 1 ?',
    replace: 'restart ?? (round <= 2 ?',
    tests: DOUBTS,
  },
  {
    name: 'fingerprint-without-request',
    breaks: 'all requests of an agent count as the same purchase',
    file: 'src/pay/purchase.ts',
    find: 'JSON.stringify([agent, tasks, tool ?? null, request])',
    replace: `JSON.stringify([agent, tasks, tool ?? null, request.slice(0, 0)])`,
    tests: DOUBTS,
  },
  {
    name: 'complete-before-commit',
    breaks: 'the wallet causes its side effect before the commit is on the disk',
    file: 'src/pay/authorize/authorize.ts',
    find: 'let committed = false\n',
    replace: `let committed = false
    await prepared.complete(async () => ({ kind: 'answers', ok: true, status: 200 }))\n`,
    tests: ['test/pay/flow.test.ts'],
  },
  {
    name: 'ask-is-allow',
    breaks: 'Purser asks no person',
    file: 'src/pay/authorize/authorize.ts',
    find: `if (candidate.decision.effect !== 'ask' || this.#purchase.earlier !== undefined) return false`,
    replace: `if (candidate.decision.effect !== 'deny') return false`,
    tests: ['test/pay/approvals.test.ts'],
  },
  {
    name: 'nonsense-is-yes',
    breaks: 'an invalid answer of an approver approves the payment',
    file: 'src/pay/authorize/approver.ts',
    find: 'if (approved !== true) return undefined',
    replace: 'if (approved !== true) return approved ? own({ approved: true, ...common }) : undefined',
    tests: ['test/pay/approvals.test.ts'],
  },
  {
    name: 'approval-not-bound',
    breaks: 'an approval covers terms that are worse than the terms shown to the person',
    file: 'src/pay/authorize/approve.ts',
    find: 'return !isNew && noWorse(quote.terms, approved.quote.terms)',
    replace: 'return !isNew && noWorse(approved.quote.terms, approved.quote.terms)',
    tests: ['test/pay/approvals.test.ts', 'test/safety/approvals.test.ts'],
  },
  {
    name: 'rotated-terms-not-compared',
    breaks: 'a second credential may have worse terms than the first one',
    file: 'src/pay/authorize/authorize.ts',
    find: '(earlier === undefined || noWorse(quote.terms, earlier.terms))',
    replace: '(earlier === undefined || noWorse(quote.terms, quote.terms))',
    tests: DOUBTS,
  },
  {
    name: 'receipt-of-another-challenge',
    breaks: 'a receipt for another challenge settles the payment',
    file: 'src/pay/settle.ts',
    find: '(receipt.challengeId === undefined || receipt.challengeId === challenge.id) &&',
    replace: '(receipt.challengeId === undefined || challenge.id !== undefined) &&',
    tests: ['test/pay/flow.test.ts', 'test/pay/receipts.test.ts'],
  },
  {
    name: 'receipt-of-another-transfer',
    breaks: 'a receipt that names another transfer settles the payment',
    file: 'src/pay/settle.ts',
    find: 'if (word === undefined || word === true) return true',
    replace: 'return true',
    tests: ['test/pay/flow.test.ts', 'test/pay/receipts.test.ts'],
  },
  {
    name: 'sent-when-dead',
    breaks: 'Purser sends a credential again after it expired',
    file: 'src/pay/submit.ts',
    find: 'env.clock.now() < sent.goodUntil',
    replace: 'sent.goodUntil > 0',
    tests: ['test/pay/submit.test.ts'],
  },
]

const POLICY: readonly Mutant[] = [
  {
    name: 'no-worse-payees',
    breaks: 'terms with other payees do not count as worse',
    file: 'src/policy/terms.ts',
    find: 'noWorsePayees(a, b)\n  )',
    replace: 'totals(a.payees) !== totals(b.payees)\n  )',
    tests: ['test/policy/terms.test.ts'],
  },
  {
    name: 'no-worse-fee',
    breaks: 'terms with a higher fee do not count as worse',
    file: 'src/policy/terms.ts',
    find: '(b.fee !== undefined && noMore(a.fee.bound, b.fee.bound))',
    replace: 'b.fee !== undefined',
    tests: ['test/policy/terms.test.ts'],
  },
  {
    name: 'no-worse-amount',
    breaks: 'terms with a higher price do not count as worse',
    file: 'src/policy/terms.ts',
    find: '    noMore(a.most, b.most) &&\n',
    replace: '',
    tests: ['test/policy/terms.test.ts'],
  },
  {
    name: 'per-payment-off-by-one-below',
    breaks: 'Purser refuses a payment of exactly the limit',
    file: 'src/policy/rules.ts',
    find: 'if (limit === undefined || asked <= limit) return',
    replace: 'if (limit === undefined || asked < limit) return',
    tests: DECISIONS,
  },
  {
    name: 'per-payment-off-by-one-above',
    breaks: 'a payment may exceed the limit by the smallest unit',
    file: 'src/policy/rules.ts',
    find: 'if (limit === undefined || asked <= limit) return',
    replace: 'if (limit === undefined || asked <= limit + 1n) return',
    tests: [...DECISIONS, 'test/policy/properties.test.ts'],
  },
  {
    name: 'unknown-currency-is-zero',
    breaks: 'an amount that has no value in the unit counts as zero',
    file: 'src/money/units.ts',
    find: 'if (factor === undefined) return undefined',
    replace: 'if (factor === undefined) return 0n',
    tests: DECISIONS,
  },
  {
    name: 'count-rounds-down',
    breaks: 'payments smaller than the last decimal do not count',
    file: 'src/money/units.ts',
    find: 'return (value * factor + part - 1n) / part',
    replace: 'return (value * factor) / part',
    tests: ['test/money/units.test.ts'],
  },
  {
    name: 'rolling-under-counts',
    breaks: 'a rolling window drops its oldest bucket too early',
    file: 'src/policy/windows.ts',
    find: 'return { from: at - ms, at }',
    replace: 'return { from: at - ms + width, at }',
    tests: ['test/policy/windows.test.ts', 'test/policy/properties.test.ts'],
  },
  {
    name: 'unnamed-agent-allowed',
    breaks: 'an agent that the document does not name may pay',
    file: 'src/policy/policy.ts',
    find: '?? refusing(base, agent)',
    replace: '?? { layers: [base], objections: refusing(base, agent).objections.slice(1) }',
    tests: DECISIONS,
  },
  {
    name: 'out-of-scope-is-unlisted',
    breaks: 'policy judges a listed vendor outside its scope like a vendor that is not listed',
    file: 'src/policy/rules.ts',
    find: 'if (listing !== undefined) {\n    if (listing.outside.length === 0) return',
    replace:
      'if (listing?.outside.length === 0) return\n  if (listing !== undefined && layer.rules === undefined) {',
    tests: DECISIONS,
  },
  {
    name: 'denial-does-not-stand',
    breaks: 'Purser forgets a denial at once',
    file: 'src/policy/evaluate.ts',
    find: 'facts.denied.some((denied) => noBetter(terms, denied))',
    replace: 'facts.denied.length < 0',
    tests: DECISIONS,
  },
  {
    name: 'plain-http-payable',
    breaks: 'Purser may send a credential over plain http to a vendor that is not listed',
    file: 'src/policy/rules.ts',
    find: 'listings.get(base) !== undefined || isPlainHttps(resource.vendor))',
    replace: `listings.get(base) !== undefined || resource.vendor !== "")`,
    tests: DECISIONS,
  },
]

const LEDGER: readonly Mutant[] = [
  {
    name: 'hold-without-fingerprint',
    breaks: 'Purser does not find an earlier payment for the same purchase',
    file: 'src/ledger/hold.ts',
    find: '    fingerprint: hold.fingerprint,\n',
    replace: '    fingerprint: hold.id,\n',
    tests: CONTRACT,
  },
  {
    name: 'key-conflict-ignored',
    breaks: 'the same idempotency key with another request counts as the same purchase',
    file: 'src/ledger/hold.ts',
    find: `other.fingerprint === hold.fingerprint ? 'taken' : 'conflict'`,
    replace: `other.fingerprint === hold.fingerprint ? 'taken' : 'taken'`,
    tests: CONTRACT,
  },
  {
    name: 'twin-in-doubt-ignored',
    breaks: 'a payment in doubt does not prevent a second payment for the same purchase',
    file: 'src/ledger/purchases.ts',
    find: `const inDoubt = payment.state === 'committed' && !payment.delivered && !ours`,
    replace: `const inDoubt = payment.state === 'held' && !payment.delivered && !ours`,
    tests: CONTRACT,
  },
  {
    name: 'other-process-ignored',
    breaks: 'an open payment of another process does not prevent a second payment for the same purchase',
    file: 'src/ledger/purchases.ts',
    find: 'const ours = payment.live && row.owner === owner && row.takenOver !== true',
    replace: 'const ours = payment.live && owner !== undefined && row.takenOver !== true',
    tests: CONTRACT,
  },
  {
    name: 'takenOver-doubt-ignored',
    breaks: 'a payment in doubt that another process took over does not prevent a second payment',
    file: 'src/ledger/purchases.ts',
    find: 'const ours = payment.live && row.owner === owner && row.takenOver !== true',
    replace: 'const ours = payment.live && row.owner === owner',
    tests: CONTRACT,
  },
  {
    name: 'doubt-window-without-report',
    breaks: 'a payment in doubt expires by itself if it was never reported',
    file: 'src/ledger/purchases.ts',
    find: 'return payment.reportedAt === undefined || now < payment.reportedAt + doubtWindowMs',
    replace: 'return now < (payment.reportedAt ?? payment.updatedAt) + doubtWindowMs',
    tests: [...CONTRACT, ...DOUBTS],
  },
  {
    name: 'stale-facts-held',
    breaks: 'the ledger holds a payment that was decided on outdated facts',
    file: 'src/ledger/hold.ts',
    find: 'if (versionOf(tables, query) !== decision.facts) return true',
    replace: 'if (versionOf(tables, query) < 0) return true',
    tests: CONTRACT,
  },
  {
    name: 'budget-off-by-one',
    breaks: 'a counter allows one unit more than its limit',
    file: 'src/ledger/counters.ts',
    find: 'asked > left ?',
    replace: 'asked > left + 1n ?',
    tests: CONTRACT,
  },
  {
    name: 'counter-not-rebuilt',
    breaks: 'a budget that an edit added does not count earlier payments',
    file: 'src/ledger/counters.ts',
    find: 'mayCount(tables, shape) ? tables.last() : 0',
    replace: 'mayCount(tables, shape) ? 0 : tables.last()',
    tests: CONTRACT,
  },
  {
    name: 'lease-never-ends',
    breaks: 'a dead process counts as alive for ever',
    file: 'src/ledger/payment-view.ts',
    find: 'return until !== undefined && until > now',
    replace: 'return until !== undefined && now > 0',
    tests: CONTRACT,
  },
  {
    name: 'commit-not-durable',
    breaks: 'the commit is not on the disk when the credential leaves',
    file: 'src/ledger/ledger.ts',
    find: 'this.#advance(tables, id, move, now), DURABLE.has(move.to))',
    replace: `this.#advance(tables, id, move, now), move.to === 'evidence')`,
    tests: ['test/ledger/durable.test.ts'],
  },
  {
    name: 'freeze-not-seen-at-commit',
    breaks: 'a payment that was held before a freeze is still committed',
    file: 'src/ledger/ledger.ts',
    find: 'if (tables.meta().frozen !== undefined) return no()',
    replace: 'if (tables.meta().frozen === id) return no()',
    tests: CONTRACT,
  },
  {
    name: 'freeze-not-seen-at-hold',
    breaks: 'a frozen ledger holds new payments',
    file: 'src/ledger/hold.ts',
    find: 'if (frozen !== undefined) return',
    replace: 'if (frozen === hold.id) return',
    tests: CONTRACT,
  },
  {
    name: 'pin-at-hold',
    breaks: 'Purser pins a payee before a payment is committed',
    file: 'src/ledger/ledger.ts',
    find: 'return holdIn(tables, hold, now)',
    replace: `const tried = holdIn(tables, hold, now)
      if (tried.held.ok) pinAtCommit(tables, tried.held.payment, { to: 'committed', pin: hold.decision.payees === 'pin', widenPin: false, attempt: { challengeId: '', terms: hold.terms, evidence: { wallet: '', kind: hold.terms.kind, refs: [], detail: {} } } }, now)
      return tried`,
    tests: CONTRACT,
  },
  {
    name: 'clock-jump-ignored',
    breaks: 'a clock that jumps starts new budget windows',
    file: 'src/ledger/clock-jumps.ts',
    find: "if (wall - expected <= JUMP_MS) return 'steady'",
    replace: "if (wall >= expected) return 'steady'",
    tests: CONTRACT,
  },
  {
    name: 'commit-for-the-dead',
    breaks: 'an owner whose lease has expired still commits',
    file: 'src/ledger/payment-state.ts',
    find: `(row.state !== 'held' && row.state !== 'committed') || !live)`,
    replace: `(row.state !== 'held' && row.state !== 'committed') || live === undefined)`,
    tests: ['test/ledger/payment-state.test.ts'],
  },
  {
    name: 'lane-freed-on-doubt',
    breaks: 'the next payment uses the nonce lane of a payment in doubt',
    file: 'src/ledger/payment-state.ts',
    find: 'lane: { free: row.signed === true }',
    replace: 'lane: { free: row.state !== undefined }',
    tests: CONTRACT,
  },
  {
    name: 'receipt-lowers-spend',
    breaks: 'a server’s receipt can lower the spent amount',
    file: 'src/ledger/payment-state.ts',
    find: `const spent = move.proof === 'receipt' ? row.spent : (move.spent ?? row.spent)`,
    replace: 'const spent = move.spent ?? row.spent',
    tests: CONTRACT,
  },
  {
    name: 'release-with-two-open',
    breaks: 'the ledger releases a payment although another of its credentials may still settle',
    file: 'src/ledger/payment-state.ts',
    find: `if (row.state === 'committed') return open <= 1`,
    replace: `if (row.state === 'committed') return open <= 2`,
    tests: ['test/ledger/payment-state.test.ts'],
  },
  {
    name: 'late-answer-lost',
    breaks: 'Purser loses a receipt if the answer arrives after the release',
    file: 'src/ledger/payment-state.ts',
    find: 'return move.delivered === true ? deliver(row, move, now) : undefined',
    replace: 'return move.delivered === true && !row ? deliver(row, move, now) : undefined',
    tests: ['test/ledger/payment-state.test.ts'],
  },
  {
    name: 'word-beats-proof',
    breaks: 'a receipt settles a payment that was proven void',
    file: 'src/ledger/payment-state.ts',
    find: `if (row.state === 'released' && move.proof === 'receipt') return`,
    replace: `if (row.state === 'released' && move.proof === 'person') return`,
    tests: ['test/ledger/payment-state.test.ts'],
  },
]

const WALLETS: readonly Mutant[] = [
  {
    name: 'void-before-finality',
    breaks: 'a block that is not final proves that a payment is void',
    file: 'src/wallet/tempo/inspect.ts',
    find: `const final = await Reads.readBlock(node, 'finalized')\n  if (final === undefined ||`,
    replace: `const final = await Reads.readBlock(node, 'latest')\n  if (final === undefined ||`,
    tests: INSPECT,
  },
  {
    name: 'void-before-its-end',
    breaks: 'a credential that a block can still include counts as void',
    file: 'src/wallet/tempo/inspect.ts',
    find: 'final.timestamp < detail.validBefore) {',
    replace: 'final.timestamp < 0) {',
    tests: INSPECT,
  },
  {
    name: 'settled-by-a-failed-transaction',
    breaks: 'a reverted transaction settles a payment',
    file: 'src/wallet/tempo/inspect.ts',
    find: 'if (receipt.ok) {\n    if (!paysAll(receipt.logs, detail))',
    replace: 'if (receipt !== undefined) {\n    if (receipt.ok && !paysAll(receipt.logs, detail))',
    tests: INSPECT,
  },
  {
    name: 'settled-without-our-memo',
    breaks: 'the transfer of one payment settles another payment',
    file: 'src/wallet/tempo/inspect.ts',
    find: '        (memo === undefined || each.topics[3] === memo) &&\n',
    replace: '',
    tests: INSPECT,
  },
  {
    name: 'one-node-proves-void',
    breaks: 'the answer of a single node proves that a payment is void',
    file: 'src/wallet/chain/views.ts',
    find: `views.find((view) => view.state === 'pending') ?? views.find((view) => view.state === 'unknown')`,
    replace: `views.find((view) => view.state === 'void')`,
    tests: INSPECT,
  },
  {
    name: 'next-nonce-early',
    breaks: 'the wallet signs the second credential with the next nonce, so both can settle',
    file: 'src/wallet/tempo/prepare.ts',
    find: '    return replaces\n',
    replace: '    return { ...replaces, value: replaces.value + 1n }\n',
    tests: WALLET,
    named: 'exactly one is included',
  },
  {
    name: 'terms-not-compared-at-signing',
    breaks: 'the wallet may sign other terms than the judged ones',
    file: 'src/wallet/tempo/prepare.ts',
    find: `if (!same || 'unpayable' in charge)`,
    replace: `if ('unpayable' in charge)`,
    tests: WALLET,
    named: 'terms that differ from the challenge are not signed',
  },
  {
    name: 'credential-in-evidence',
    breaks: 'the ledger stores the signed transaction',
    file: 'src/wallet/tempo/prepare.ts',
    find: 'hash: charge.sponsored ? undefined : keccak256(signed),',
    replace: 'hash: charge.sponsored ? undefined : keccak256(signed), signed,',
    tests: INSPECT,
  },
  {
    name: 'authorization-twice',
    breaks: 'an authorization can be used twice',
    file: 'src/wallet/authorization.ts',
    find: 'state.spent = true',
    replace: 'state.spent = false',
    tests: ['test/wallet/authorization.test.ts'],
  },
  {
    name: 'authorization-not-checked',
    breaks: 'a wallet accepts any object with the right properties as an authorization',
    file: 'src/wallet/authorization.ts',
    find: `if (state === undefined) throw new TypeError('This authorization was not issued by a payment')`,
    replace: 'if (state === undefined) return Object(authorization)',
    tests: ['test/wallet/authorization.test.ts'],
  },
  {
    name: 'authorization-for-ever',
    breaks: 'an authorization does not expire',
    file: 'src/wallet/authorization.ts',
    find: 'if (now > spendable.expires) throw',
    replace: 'if (now < 0) throw',
    tests: ['test/wallet/authorization.test.ts'],
  },
]

const FETCH: readonly Mutant[] = [
  {
    name: 'recorder-without-cap',
    breaks: 'Purser keeps a body of any length in memory',
    file: 'src/http/recording.ts',
    find: 'size <= this.#cap)',
    replace: 'size >= 0)',
    tests: ['test/fetch/recording.test.ts'],
  },
  {
    name: 'redirected-post-paid',
    breaks: 'Purser sends a POST again to pay if a redirect led back to the same address',
    file: 'src/http/http-exchange.ts',
    find: `if (repeats && this.#transport.wasRedirected(reply)) return undefined`,
    replace: ``,
    tests: ['test/fetch/compliance/redirects.test.ts'],
  },
  {
    name: 'paid-leg-follows-redirects',
    breaks: 'a redirect sends the credential to another address',
    file: 'src/fetch/fetch-transport.ts',
    find: `redirect: 'manual' as const, ...noStore() }`,
    replace: `redirect: 'follow' as const, ...noStore() }`,
    tests: ['test/fetch/compliance/redirects.test.ts'],
  },
  {
    name: 'credential-to-another-origin',
    breaks: 'an origin that the caller did not call may charge money',
    file: 'src/http/http-exchange.ts',
    find: 'if (url.origin !== this.resource.vendor || !isConfidential(url)) return undefined',
    replace: 'if (!isConfidential(url)) return undefined',
    tests: ['test/fetch/compliance/redirects.test.ts'],
  },
  {
    name: 'own-authorization-replaced',
    breaks: "Purser replaces the caller's Authorization header without permission",
    file: 'src/http/wire/carrier.ts',
    find: '!CREDENTIAL.test(there) && !replacesAuthorization',
    replace: '!CREDENTIAL.test(there) && replacesAuthorization === undefined',
    tests: ['test/fetch/compliance/headers.test.ts'],
  },
  {
    name: 'own-payment-written-over',
    breaks: 'Purser pays again for a request that already carries a payment',
    file: 'src/http/wire/carrier.ts',
    find: "return own('payment-signature') !== undefined || own('x-payment') !== undefined",
    replace: "return own('payment-signature') === ''",
    tests: ['test/fetch/compliance/x402.test.ts'],
  },
  {
    name: 'two-credentials-in-one-request',
    breaks: 'Purser sends an outdated Payment credential together with an x402 credential',
    file: 'src/http/wire/carrier.ts',
    find: "...(CREDENTIAL.test(own('authorization') ?? '') && { authorization: undefined }),",
    replace: '',
    tests: ['test/fetch/compliance/x402.test.ts'],
  },
  {
    name: 'pending-settlement-paid-again',
    breaks: 'Purser pays an offer that arrives with a pending settlement',
    file: 'src/http/wire/read.ts',
    find: 'if (isSettlementPending(receipt)) return',
    replace: 'if (isSettlementPending(undefined)) return',
    tests: ['test/fetch/compliance/x402.test.ts'],
  },
  {
    name: 'settlement-elsewhere-believed',
    breaks: 'a receipt for another network settles the payment',
    file: 'src/pay/settle.ts',
    find: '(receipt.network === undefined || receipt.network === terms.network) &&',
    replace: '',
    tests: ['test/safety/x402.test.ts'],
  },
  {
    name: 'entry-called-sign-in',
    breaks: 'Purser takes an x402 entry that costs money for a free sign-in',
    file: 'src/protocol/x402/payment-required.ts',
    find: '!SCHEME.test(scheme) || scheme === SIGN_IN',
    replace: '!SCHEME.test(scheme)',
    tests: ['test/protocol/x402/payment-required.test.ts'],
  },
  {
    name: 'digest-not-compared',
    breaks: 'Purser pays an offer for another body',
    file: 'src/http/wire/carrier.ts',
    find: `if (verdict === 'mismatch') {`,
    replace: `if (verdict === undefined) {`,
    tests: ['test/fetch/compliance/offers.test.ts'],
  },
  {
    name: 'text-not-cleaned',
    breaks: 'control characters from a server reach the terminal',
    file: 'src/errors/clean.ts',
    find: `bounded.replace(UNSAFE, ' ').replace(`,
    replace: 'bounded.replace(',
    tests: ['test/errors/clean.test.ts'],
  },
  {
    name: 'words-not-cleaned',
    breaks: 'a person sees the text of an offer with its control and invisible characters',
    file: 'src/protocol/challenge.ts',
    find: `words: clean(params.description ?? '') || undefined,`,
    replace: `words: params.description || undefined,`,
    tests: ['test/protocol/challenge.test.ts', 'test/protocol/fuzz.test.ts'],
  },
]

/** All faults that would lose money and that a careless edit could cause. */
export const MUTANTS: readonly Mutant[] = [
  ...PAY,
  ...HARDENING,
  ...SESSIONS,
  ...FORGETTING,
  ...POLICY,
  ...LEDGER,
  ...WALLETS,
  ...EVM,
  ...LIGHTNING,
  ...LOST_LOG,
  ...FETCH,
  ...STRIPE,
  ...POWER,
  ...CHOOSING,
  ...CLI,
  ...CLI_LOOK,
  ...RECORDS,
  ...REFUSALS,
  ...REPEATS,
  ...SENTENCES,
  ...SERVE,
  ...TESTING,
  ...TIME,
  ...KEY_VALUE,
  ...UPKEEP,
  ...FEES,
  ...MCP,
  ...NODES,
  ...NOTIFY,
  ...BODIES,
  ...APPROVALS,
  ...AUTO,
]
