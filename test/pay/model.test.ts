import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type CallPlan, Real } from './model/harness.js'

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

const plan: fc.Arbitrary<CallPlan> = fc
  .record({
    agent: fc.constantFrom('ann', 'bob'),
    key: fc.option(fc.constantFrom('k1', 'k2', 'k3'), { nil: undefined }),
    path: fc.constantFrom('/tea', '/milk'),
    cents: fc.constantFrom(1, 10, 29, 45, 70),
    serves: fc.constantFrom(
      ...(['pays', 'rotates', 'loses', 'asks', 'fails', 'late', 'free', 'lies', 'dearer', 'hangs'] as const),
    ),
    says: fc.constantFrom('yes', 'no', 'throws', 'remembers'),
    diesAfter: fc.oneof(
      { weight: 7, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 12 }) },
    ),
  })
  .map(({ key, diesAfter, ...rest }) => ({
    ...rest,
    ...(key === undefined ? {} : { key }),
    ...(diesAfter === undefined ? {} : { diesAfter }),
  }))

const index = fc.nat(3)
const calls = fc
  .array(fc.tuple(index, plan), { minLength: 1, maxLength: 3 })
  .map((each) =>
    command(`calls ${JSON.stringify(each)}`, (real) =>
      Promise.all(each.map(([at, what]) => real.call(real.process(at), what))),
    ),
  )
const commands = [
  calls,
  calls,
  calls,
  fc
    .constantFrom(1000, 14_000, 20_000, 31_000, 3 * MINUTE, 25 * 60 * MINUTE)
    .map((ms) => command(`pass ${ms}`, (real) => real.world.clock.pass(ms))),
  fc.constant(command('cash', (real) => real.cash())),
  fc.constant(command('abort', (real) => real.abort())),
  index.map((at) => command(`recover ${at}`, (real) => real.recover(real.process(at)))),
  index.map((at) => command(`kill ${at}`, (real) => real.kill(at))),
  fc.constantFrom(200, 100, 50).map((limit) => command(`tighten ${limit}`, (real) => real.spawn(limit))),
  fc
    .boolean()
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
  'pays nothing twice and forgets nothing, whatever happens in whatever order',
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
  15_000 * Math.max(1, RUNS / 150),
)
