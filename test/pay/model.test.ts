import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Real } from './model/harness.js'
import type { Limits } from './model/limits.js'
import { type CallPlan, SAYS, SERVES, VENDORS } from './model/plan.js'

type Command = fc.AsyncCommand<object, Real>

const RUNS = 150 * Number(process.env['RUNS'] ?? 1)
const MINUTE = 60_000

function command(name: string, run: (real: Real) => Promise<unknown> | unknown): Command {
  return {
    check: () => true,
    async run(_, real) {
      await run(real)
      expect(await real.check()).toEqual([])
    },
    toString: () => name,
  }
}

const tasks = fc.constantFrom<readonly string[]>([], ['report'], ['report', 'search'], ['search'])
const path = fc.constantFrom('/tea', '/milk')
const fee = fc.record({ bound: fc.constantFrom(1, 3), taken: fc.constantFrom(1, 37, 100) })
/** The requests and their keys. Most keys name one request; one is used for different requests. */
const request = fc.oneof(
  fc.record({
    tasks,
    vendor: fc.constantFrom(...VENDORS),
    path,
    key: fc.constantFrom(undefined, undefined, 'any'),
  }),
  fc.constant({ tasks: ['report'], vendor: VENDORS[0], path: '/tea', key: 'tea' }),
  fc.constant({ tasks: [], vendor: VENDORS[1], path: '/milk', key: 'milk' }),
)
const plan: fc.Arbitrary<CallPlan> = fc
  .record({
    agent: fc.constantFrom('ann', 'bob'),
    request,
    cents: fc.constantFrom(1, 10, 29, 45, 70),
    // Two of three pay their own fee, on a lane or without one; a sponsor pays for the others.
    fee: fc.oneof(fee, fee, fc.constant(undefined)),
    serves: fc.constantFrom(...SERVES),
    message: fc.constantFrom(...SAYS),
    diesAfter: fc.oneof(
      { weight: 7, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 12 }) },
    ),
  })
  .map(({ request: { key, ...asked }, fee: paid, diesAfter, ...rest }) => ({
    ...rest,
    ...asked,
    ...(key === undefined ? {} : { key }),
    ...(paid === undefined ? {} : { fee: paid }),
    ...(diesAfter === undefined ? {} : { diesAfter }),
  }))

const index = fc.nat(3)
const calls = fc
  .array(fc.tuple(index, plan), { minLength: 1, maxLength: 4 })
  .map((each) =>
    command(`calls ${JSON.stringify(each)}`, (real) =>
      Promise.all(each.map(([at, what]) => real.call(real.process(at), what))),
    ),
  )
const TIGHTER: readonly Partial<Limits>[] = [
  {},
  { all: 100 },
  { all: 50 },
  { agent: 60 },
  { ann: 30 },
  { task: 40 },
  { vendor: 70 },
  { week: 90 },
]
const commands = [
  calls,
  calls,
  calls,
  calls,
  fc
    .constantFrom(1000, 14_000, 20_000, 31_000, 3 * MINUTE, 25 * 60 * MINUTE)
    .map((ms) => command(`pass ${ms}`, (real) => real.world.clock.pass(ms))),
  fc
    .constantFrom('oldest' as const, 'newest' as const)
    .map((order) => command(`cash the ${order} first`, (real) => real.cash(order))),
  fc.boolean().map((yes) => command(yes ? 'say yes' : 'say no', (real) => real.answer(yes))),
  fc.constant(command('abort', (real) => real.abort())),
  index.map((at) => command(`recover ${at}`, (real) => real.recover(real.process(at)))),
  index.map((at) => command(`kill ${at}`, (real) => real.kill(at))),
  fc
    .constantFrom(...TIGHTER)
    .map((limits) => command(`start with ${JSON.stringify(limits)}`, (real) => real.spawn(limits))),
  fc
    .constantFrom(true, false, false)
    .map((cold) =>
      command(cold ? 'freeze' : 'unfreeze', ({ world: { env } }) =>
        cold ? env.ledger.freeze('a drill') : env.ledger.unfreeze(),
      ),
    ),
  fc.constant(
    command('revoke', async ({ world: { env } }) => {
      for (const { id } of await env.ledger.grants()) await env.ledger.revoke(id)
    }),
  ),
]

it(
  'pays nothing twice, forgets nothing and keeps every budget, whatever happens in whatever order',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 30, size: 'max' }), async (steps) => {
        const real = new Real()
        await fc.asyncModelRun(() => ({ model: {}, real }), steps)
        expect(await real.reconciled()).toEqual([])
      }),
      { numRuns: RUNS },
    )
  },
  60_000 * Math.max(1, RUNS / 150),
)
