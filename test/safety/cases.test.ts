import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { GROUPS } from './cases/index.js'
import { committed, generated } from './table.js'
import type { Trial } from './trial.js'

/** The program as its users run it, in a process of its own: its memory is looked at. */
const PROGRAM = fileURLToPath(new URL('../../tools/safety.ts', import.meta.url))
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
}, 180_000)

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
