import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Case, GROUPS } from './cases/index.js'
import { CLIENTS, type Client } from './clients.js'
import { committed, generated } from './table.js'
import { type Trial, tryCase } from './trial.js'

/** The program as its users run it, in a process of its own: its memory is looked at. */
const PROGRAM = fileURLToPath(new URL('../../tools/safety.ts', import.meta.url))
const MIB = 1024 * 1024
const FLAGS = ['--max-http-header-size=4194304', '--expose-gc', '--import', 'tsx']

let code: number | null
let trials: readonly Trial[] = []

beforeAll(async () => {
  const child = spawn(process.execPath, [...FLAGS, PROGRAM, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  code = await new Promise((resolve) => child.on('close', resolve))
  trials = JSON.parse(Buffer.concat(chunks).toString())
  // 230 attacks on a machine with two busy cores take more than three minutes.
}, 600_000)

describe.each(GROUPS)('$name', ({ cases }) => {
  it.each(cases.map(({ attack }) => attack))('%s: is defended', (attack) => {
    const own = trials.filter((trial) => trial.attack === attack)
    expect(own.map(({ client, wrong, unheard }) => ({ client, wrong, unheard }))).toEqual([
      { client: 'purser', wrong: [], unheard: [] },
    ])
  })
})

it('the program says so with its exit code', () => {
  expect(code).toBe(0)
})

it('every case has a name of its own', () => {
  const names = GROUPS.flatMap(({ cases }) => cases.map(({ attack }) => attack))
  expect(new Set(names).size).toBe(names.length)
})

it('docs/safety.md has exactly these rows: npm run safety -- --write', async () => {
  expect((await committed()).split('\n')).toEqual(generated(trials).split('\n'))
})

function caseOf(attack: string): Case {
  const found = GROUPS.flatMap(({ cases }) => cases).find((one) => one.attack === attack)
  if (found === undefined) throw new TypeError(`There is no case ${attack}`)
  return found
}

describe('what the cases look at', () => {
  const reading = (mebibytes: number, keeps: boolean): Client => ({
    name: 'reader',
    set: '',
    hears: { tempo: [], evm: [] },
    make: () => ({
      fetch: async (url) => {
        const reply = await fetch(url)
        const kept = keeps ? [Buffer.alloc(mebibytes * MIB)] : []
        let left = mebibytes * MIB
        for await (const chunk of reply.body ?? []) {
          left -= chunk.length
          if (left < 0) break
        }
        return new Response(`${kept.length}`)
      },
      close: async () => undefined,
    }),
  })

  it.each([
    ['a client that reads on and on', reading(64, false), ['it goes on reading']],
    ['a client that keeps what it reads', reading(300, true), ['it goes on reading', 'its memory grows']],
  ])('%s is seen', async (_, client, wrong) => {
    const trial = await tryCase(caseOf('a 402 without end'), client)
    expect(trial.wrong).toEqual(wrong)
  })

  it('a client that pays nobody does not pass for a careful one', async () => {
    const trial = await tryCase(caseOf('none: an honest server, two purchases'), reading(1, false))
    expect(trial.wrong).toEqual(['it was not paid twice'])
  })

  it.each([
    'the same, and the server pays the fee',
    'x402: a fresh offer after every payment',
    'MPP: a fresh challenge after every signed transfer',
  ])('a client that signs again and again is seen: %s', async (attack) => {
    const naive = CLIENTS.find(({ name }) => name === 'mppx')
    const told = { ...caseOf(attack), steps: [{}] }
    const trial = naive && (await tryCase(told, naive))
    expect(trial).toMatchObject({
      signatures: 3,
      cash: '0.03',
      wrong: ['3 cents can be cashed, not 1 at the most'],
    })
  })
})
