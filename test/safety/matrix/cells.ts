import { memoryLedger } from '../../../src/entry/ledger-memory.js'
import { createPolicy } from '../../../src/entry/policy.js'
import type { Approver, Ledger, PurserOptions, Wallet } from '../../../src/index.js'
import { tempo } from '../../../src/wallet/tempo/index.js'
import { countingAccount, policyFor, type SetUp } from '../kit.js'
import { stubNode } from '../node.js'
import { CHAIN_ID } from '../offers.js'
import { BESIDE_PARTS } from './beside.js'
import { AT_ONCE, type Fault, HANGS, LATER, NONSENSE, REJECTS, THROWS, withFault } from './faults.js'
import { IDS } from './ids.js'
import { RPC_PARTS } from './rpc.js'
import {
  allCounted,
  counted,
  goesAway,
  hanging,
  inDoubt,
  notUntouched,
  oneSigned,
  play,
  type Rule,
  refusedAs,
  type SceneOptions,
  silent,
  told,
  twoInARow,
  uncounted,
  unpaid,
  unsent,
  unsigned,
} from './scene.js'
import { ALL_WAYS, type Way } from './ways.js'

/** One dependency that fails in one way. */
export interface Cell {
  readonly dependency: string
  readonly how: string
  readonly way: Way
  /** It changes what the whole process has: nothing else may run meanwhile. */
  readonly alone?: true
  /** Returns what is wrong with the end of the payment: nothing if it failed closed. */
  run(): Promise<readonly string[]>
}

const purserWith = (purser: Partial<PurserOptions>): SetUp => ({ purser })

/** A row of the table: the dependency, and every way in which it fails. */
function row(
  dependency: string,
  faults: readonly Fault[],
  scene: (fault: Fault) => SceneOptions,
  ways: readonly Way[] = ALL_WAYS,
): readonly Cell[] {
  return ways.flatMap((way) =>
    faults.map((fault) => ({ dependency, how: fault.how, way, run: () => playFault(fault, scene, way) })),
  )
}

function playFault(
  fault: Fault,
  scene: (fault: Fault) => SceneOptions,
  way: Way,
): Promise<readonly string[]> {
  if (fault !== HANGS) return play(scene(fault), way)
  const { act, call } = hanging()
  const options = scene({ ...fault, act })
  return play({ ...options, act: options.act ?? call }, way)
}

const closed: readonly Rule[] = [unsigned, unsent, unpaid, told, silent]
const nothingLeaves: readonly Rule[] = [unsent, unpaid, silent]

const POLICY = [
  ...row('policy.evaluate', AT_ONCE, ({ act }) => ({
    set: (origin) => purserWith({ policy: withFault(createPolicy(policyFor(origin)), 'evaluate', act) }),
    rules: closed,
  })),
  ...row('policy.bounds', AT_ONCE, ({ act }) => ({
    set: (origin) => purserWith({ policy: withFault(createPolicy(policyFor(origin)), 'bounds', act) }),
    rules: [unsigned, unsent, silent],
  })),
  ...row('policy.ready', [THROWS, REJECTS, HANGS], ({ act }) => ({
    set: (origin) => purserWith({ policy: withFault(createPolicy(policyFor(origin)), 'ready', act) }),
    rules: [unsigned, unsent, unpaid],
  })),
]

const roomForOne: SetUp = { policy: { budgets: [{ limit: '0.0306 USD', per: 'day' }] } }

const STEPS = ['id', 'facts', 'hold', 'advance', 'renew'] as const

/** A step that says "ok" is believed, since there is nobody else to ask: then it is for the payment to be another one. */
const LEDGER = [
  ...STEPS.flatMap((step) =>
    row(`ledger.${step}`, [THROWS, REJECTS, HANGS], ({ act }) => ({
      set: () => ({ ledger: withFault(memoryLedger(), step, act) }),
      rules: step === 'advance' ? nothingLeaves : [unsigned, ...nothingLeaves],
    })),
  ),
  // Asked when the credential is on its way already: whatever it says, what left counts.
  ...row('ledger.get', [THROWS, REJECTS, HANGS], ({ act }) => ({
    set: () => ({ ledger: withFault(memoryLedger(), 'get', act) }),
    rules: [allCounted, oneSigned, silent],
  })),
  // A refusal stays one, though it cannot be recorded.
  ...row('ledger.deny', LATER, ({ act }) => ({
    set: () => ({ policy: { perPayment: '0.001 USD' }, ledger: withFault(memoryLedger(), 'deny', act) }),
    rules: [unsigned, unsent, unpaid, uncounted, silent],
  })),
  // Recovery asks it, and so does a call that looks for room in a budget that is full.
  ...row('ledger.due', [THROWS, HANGS, ...NONSENSE], ({ act }) => ({
    set: () => ({ ...roomForOne, ledger: withFault(memoryLedger(), 'due', act) }),
    act: async (payer) => {
      await payer.call('/a')
      return payer.call('/b')
    },
    rules: [oneSigned, unpaid, silent],
  })),
  ...row('ledger.hold', NONSENSE, ({ act }) => ({
    set: () => ({ ledger: withFault<Ledger>(memoryLedger(), 'hold', async () => act()) }),
    rules: nothingLeaves,
  })),
  ...row('ledger.advance', NONSENSE, ({ act }) => ({
    set: () => {
      const inner = memoryLedger()
      const step = async (): Promise<unknown> => {
        const value = act()
        return Object(value).ok === true ? { ok: false, payment: await anyPayment(inner) } : value
      }
      return { ledger: withFault<Ledger>(inner, 'advance', step) }
    },
    rules: nothingLeaves,
  })),
  // The credential has left, and the ledger cannot record the end of the payment.
  ...row('ledger.advance, after the commit', LATER, ({ act }) => ({
    set: () => {
      const inner = memoryLedger()
      let steps = 0
      const step: Ledger['advance'] = async (...all) =>
        steps++ === 0 ? inner.advance(...all) : (act() as ReturnType<Ledger['advance']>)
      return { ledger: withFault<Ledger>(inner, 'advance', step) }
    },
    rules: [oneSigned, counted, notUntouched, silent],
  })),
  ...row('opening a ledger', [THROWS, REJECTS, HANGS, ...NONSENSE], ({ act }) => ({
    set: () => purserWith({ ledger: act as () => Ledger }),
    rules: [unsigned, unsent, unpaid, silent],
  })),
]

async function anyPayment(ledger: Ledger): Promise<unknown> {
  for await (const payment of ledger.find({})) return payment
  return undefined
}

/** The tempo wallet, its signatures counted. */
function walletThatCounts(count: () => void): Wallet {
  const account = countingAccount(count)
  return tempo({ account, rpc: { [CHAIN_ID]: 'http://127.0.0.1:1/' }, fetch: stubNode().fetch })
}

const WALLET = [
  ...row('wallet.quote', LATER, ({ act }) => ({
    set: (_, count) => purserWith({ wallets: [withFault(walletThatCounts(count), 'quote', act)] }),
    rules: closed,
  })),
  ...row('wallet.prepare', LATER, ({ how, act }) => ({
    set: (_, count) => purserWith({ wallets: [withFault(walletThatCounts(count), 'prepare', act)] }),
    rules: [...closed, uncounted, ...(how === 'hangs' ? [] : [refusedAs('wallet_failed')])],
  })),
  ...row('wallet.complete', LATER, ({ act }) => ({
    set: (_, count) => {
      const inner = walletThatCounts(count)
      const prepare: Wallet['prepare'] = async (authorization, options) => {
        const prepared = await inner.prepare(authorization, options)
        return { ...prepared, complete: Object.assign(act) as typeof prepared.complete }
      }
      return purserWith({ wallets: [{ ...inner, prepare }] })
    },
    rules: [inDoubt, unsent, counted, silent],
  })),
  ...row('wallet.inspect', [HANGS], ({ act }) => ({
    server: 'verification-failed',
    set: (_, count) => purserWith({ wallets: [withFault(walletThatCounts(count), 'inspect', act)] }),
    rules: [inDoubt, counted, oneSigned, stillCommitted, silent],
  })),
  ...row('wallet.onAccepted', LATER, ({ act }) => ({
    set: (_, count) => purserWith({ wallets: [withFault(walletThatCounts(count), 'onAccepted', act)] }),
    rules: [inDoubtOrAnswered, counted, oneSigned, silent],
  })),
  ...row('wallet.matchesReceipt', [...AT_ONCE, REJECTS], ({ act }) => ({
    set: (_, count) => purserWith({ wallets: [withFault(walletThatCounts(count), 'matchesReceipt', act)] }),
    rules: [inDoubtOrAnswered, counted, oneSigned, silent],
  })),
  ...row('wallet.inspect', [THROWS, REJECTS, ...NONSENSE], ({ act }) => ({
    server: 'verification-failed',
    set: (_, count) => purserWith({ wallets: [withFault(walletThatCounts(count), 'inspect', act)] }),
    act: async (payer) => {
      const got = await payer.call('/a')
      await payer.purser.recover({ reconcile: true }).catch(() => undefined)
      return got
    },
    rules: [counted, stillCommitted, silent],
  })),
]

/** It is asked after money may have moved, so nobody can be told that none did. */
const inDoubtOrAnswered: Rule = (scene) => (scene.got.status === 200 ? undefined : inDoubt(scene))

async function stillCommitted({ payer }: Parameters<Rule>[0]): Promise<string | undefined> {
  const states = (await payer.payments()).map(({ state }) => state)
  return states.join() === 'committed' ? undefined : `payments are ${states}`
}

const gives = (how: string, value: unknown): Fault => ({ how, act: () => value })

const ACCOUNT = row(
  'account.sign',
  [
    ...LATER,
    gives('answers half a signature', Promise.resolve('0x1234')),
    gives('answers words', Promise.resolve('signed')),
  ],
  ({ act }) => ({
    set: () => ({ wallet: { account: { ...countingAccount(() => undefined), sign: act as never } } }),
    rules: [unsent, unpaid, told, uncounted, silent],
  }),
)

const RANDOM = row(
  'random bytes',
  [
    ...AT_ONCE,
    gives('gives none', new Uint8Array()),
    gives('gives too few', new Uint8Array(1)),
    gives('gives too many', new Uint8Array(1_000)),
  ],
  ({ act }) => ({ set: () => ({ wallet: { random: act as () => Uint8Array } }), rules: nothingLeaves }),
)

/** Two payments that cannot be told apart by what is random in them: by the rest they can. */
const REPETITION = row('random bytes', [gives('repeats itself', new Uint8Array(10).fill(7))], ({ act }) => ({
  set: () => ({ wallet: { random: act as () => Uint8Array } }),
  act: twoInARow,
  rules: [allCounted, distinctMemos, silent],
}))

async function distinctMemos({ payer }: Parameters<Rule>[0]): Promise<string | undefined> {
  const attempts = (await payer.payments()).flatMap((payment) => payment.attempts)
  const memos = new Set(attempts.map(({ evidence }) => String(Object(evidence.detail).memo)))
  return attempts.length === 2 && memos.size === 2
    ? undefined
    : `${attempts.length} payments, ${memos.size} memos`
}

const asks = { policy: { ask: [{ above: '0.001' }], approval: { timeout: '1s' } } }

/** A yes, but too late. */
const SLOW: Fault = {
  how: 'says yes after the question has expired',
  act: () => new Promise((resolve) => setTimeout(() => resolve({ approved: true, by: 'ann' }), 1_500)),
}

const APPROVER = row(
  'approver',
  [
    ...LATER,
    SLOW,
    gives('says yes without a name', { approved: true }),
    gives('says yes in words', { approved: 'true', by: 'ann' }),
    gives('says yes with an odd memory', { approved: true, by: 'ann', remember: { until: 'ever' } }),
  ],
  ({ act }) => ({
    set: () => ({ ...asks, ...purserWith({ approver: Object.assign(act) as Approver }) }),
    // It hangs for as long as the question stands, and not as long as the caller.
    act: (payer) => payer.call('/a'),
    rules: [...closed, uncounted],
  }),
)

const yes: Approver = async () => ({ approved: true, by: 'ann' })

/** The steps of the ledger that keep a question and its answer. */
const QUESTION = [
  ...(['ask', 'answer', 'untilApproval'] as const).flatMap((step) =>
    row(`ledger.${step}`, [THROWS, REJECTS, HANGS, ...NONSENSE], ({ act }) => ({
      set: () => ({
        ...asks,
        ...purserWith({ approver: yes }),
        ledger: withFault<Ledger>(memoryLedger(), step, async () => act()),
      }),
      rules: nothingLeaves,
    })),
  ),
  // The approver has failed, and the ledger cannot end the question.
  ...row('ledger.withdraw', [THROWS, REJECTS, HANGS, ...NONSENSE], ({ act }) => ({
    set: () => ({
      ...asks,
      ...purserWith({ approver: () => Promise.reject(new Error('out of office')) }),
      ledger: withFault<Ledger>(memoryLedger(), 'withdraw', async () => act()),
    }),
    rules: [unsigned, ...nothingLeaves],
  })),
]

const NO_TIMES: readonly Fault[] = [
  THROWS,
  gives('is not a number', Number.NaN),
  gives('says nothing', undefined),
  gives('gives null', null),
  gives('gives true', true),
  gives('gives false', false),
  gives('speaks', 'allow'),
  gives('gives a number as text', String(Date.now())),
  gives('gives a bigint', BigInt(Date.now())),
  gives('gives a date', new Date()),
  gives('gives an object', {}),
  gives('is before all time', -1),
  gives('is after all time', Number.POSITIVE_INFINITY),
  gives('is beyond all dates', 8.65e15),
]
const noTime: readonly Rule[] = [...closed, uncounted, refusedAs('invalid_config')]

const CLOCK = [
  ...row('clock', NO_TIMES, ({ act }) => ({
    set: () => purserWith({ clock: { now: act as () => number, monotonic: () => performance.now() } }),
    rules: noTime,
  })),
  ...row('clock, monotonic', NO_TIMES, ({ act }) => ({
    set: () => purserWith({ clock: { now: () => Date.now(), monotonic: act as () => number } }),
    rules: noTime,
  })),
  // It only tells sleep from a clock that was set. Without it, no sleep is believed.
  ...row('clock, since the host started', NO_TIMES, ({ act }) => ({
    set: () =>
      purserWith({
        clock: { now: () => Date.now(), monotonic: () => performance.now(), booted: act as () => number },
      }),
    rules: [oneSigned, allCounted, silent],
  })),
  // It is read when the ledger is opened, and would fail there: it breaks when it is open.
  ...row('clock of the ledger', NO_TIMES, ({ act }) => ({
    set: () => {
      let broken = false
      const now = (): number => (broken ? (act as () => number)() : Date.now())
      const ledger = memoryLedger({ clock: { now, monotonic: () => performance.now() } })
      broken = true
      return { ledger }
    },
    rules: [unsigned, unsent, unpaid, told, silent, refusedAs('invalid_config')],
  })),
]

const FETCH = row(
  'fetch beneath',
  LATER,
  ({ how, act }) => ({
    set: () => purserWith({ fetch: act as typeof fetch }),
    // A request that is not heeded by the fetch that makes it is between those two.
    ...(how === 'hangs' ? { act: goesAway((payer) => payer.call('/a')) } : {}),
    rules: [unsigned, unsent, uncounted],
  }),
  ['http'],
)

/** No answer of a node is needed to pay within policy; none of them makes a payment that policy does not allow. */
const NODE = row('node of the chain', LATER, ({ act }) => ({
  set: () => ({ wallet: { fetch: act as typeof fetch } }),
  rules: [
    silent,
    async ({ payer, signatures, server }) => {
      const cents = await payer.counted()
      const left = new Set(server.paid.map(({ credential }) => credential?.raw)).size
      return left <= 1 && signatures <= 1 && cents >= left * 3.06 ? undefined : `${left} left, ${cents} cents`
    },
  ],
}))

const EVENTS = ['offer', 'decision', 'approval', 'payment', 'receipt', 'refusal', 'anomaly', 'error'] as const

/** Whoever only looks on neither stops a payment nor makes one. */
const onlyOne: Rule = ({ got, signatures }) =>
  got.code === 'refused' && signatures === 1 ? undefined : `${got.code} after ${signatures} signatures`

const LISTENERS = row('listeners', LATER, ({ act }) => ({
  set: () => roomForOne,
  act: async (payer) => {
    for (const event of EVENTS) payer.purser.on(event, act)
    await payer.call('/a')
    return payer.call('/b')
  },
  rules: [onlyOne, silent],
}))

const traced = (startSpan: () => unknown): SceneOptions => ({
  set: () => ({ ...roomForOne, ...purserWith({ tracer: { startSpan: startSpan as never } }) }),
  act: async (payer) => {
    await payer.call('/a')
    return payer.call('/b')
  },
  rules: [onlyOne, silent],
})

const TRACER = [
  ...row('tracer', LATER, ({ act }) => traced(act)),
  ...row('span of a tracer', LATER, ({ act }) =>
    traced(() => ({ spanContext: act, setAttribute: act, setStatus: act, end: act })),
  ),
]

const BESIDE = BESIDE_PARTS.flatMap(({ dependency, faults, scene }) =>
  row(dependency, faults, scene, ['http']),
)

const RPC = RPC_PARTS.flatMap(({ dependency, faults, scene, ways }) => row(dependency, faults, scene, ways))

/** Every dependency by every way to fail, over every protocol on which a payment has it. */
export const CELLS: readonly Cell[] = [
  ...POLICY,
  ...LEDGER,
  ...WALLET,
  ...ACCOUNT,
  ...RANDOM,
  ...REPETITION,
  ...IDS,
  ...APPROVER,
  ...QUESTION,
  ...CLOCK,
  ...FETCH,
  ...NODE,
  ...LISTENERS,
  ...TRACER,
  ...BESIDE,
  ...RPC,
]
