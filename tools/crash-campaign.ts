import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { runCampaign, type Tally } from '../test/crash/campaign.js'

/**
 * Kills paying processes, cuts the power of the machines that they run on, recovers, and compares ledger, chain and
 * deliveries: `--kills 2000 --cuts 2000 --seed 7 --at-once 4 --victims 12`. `--at-once` ledgers are played side by side, and `--victims` payers
 * run at a time; fewer leave more of the machine to others.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '300' },
    cuts: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '10800' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'at-once': { type: 'string', default: '4' },
    victims: { type: 'string', default: '12' },
  },
})
// The reference server prints every transaction that the chain refuses. Here that is what the wire is for.
console.error = () => undefined
const seed = Number(values.seed)
console.log(`seed ${seed}`)
const tally = await runCampaign({
  kills: Number(values.kills),
  cuts: Number(values.cuts),
  seconds: Number(values.seconds),
  seed,
  atOnce: Number(values['at-once']),
  victims: Number(values.victims),
})
const tables = tablesOf(tally)
console.log(tables)
if (process.env['FIGURES'] === '1') await writeFile('docs/crash-figures.md', page())
for (const promise of tally.broken) console.log(`BROKEN ${promise}`)
process.exit(tally.broken.length === 0 ? 0 : 1)

function page(): string {
  return [
    '# Killed payers and power cuts',
    '',
    'Processes pay an unmodified reference server on a local chain over an unreliable network, and are killed with SIGKILL or',
    'lose power. Up to three processes at a time share a ledger and an account, and buy some of the same things. Their',
    'successors recover their payments. After every death and after every recovery, the campaign compares the ledger, the',
    'chain and the deliveries. At the end it repeats all requests under the same keys. `FIGURES=1 npm run crash:long` writes',
    'this page.',
    '',
    'A [power cut](testing.md#power-cuts) ends all processes of a ledger at once. The synced part of its files is kept, and any',
    'part of the rest.',
    '',
    `Seed ${seed}. ${values['at-once']} ledgers in parallel, at most ${values.victims} payers at a time.`,
    '',
    tables,
    '',
  ].join('\n')
}

type Row = readonly (string | number | bigint)[]

function tablesOf(tally: Tally): string {
  const { steps, faults, promises } = tally
  return [
    table(['', ''], totals(tally)),
    '## Comparisons',
    table(['promise', 'checks', 'broken'], promises),
    '## Points of death',
    table(
      [
        'step',
        'killed at it',
        'killed within 60 ms of it',
        'stalled at it, woke up after the lease, killed',
        'lost power at it, or within 60 ms',
      ],
      [...steps].sort(byName).map(([name, { step, moment, stall, cut }]) => [name, step, moment, stall, cut]),
    ),
    '## Network faults',
    table(['fault', 'times'], [...faults].sort(byName)),
  ].join('\n\n')
}

function totals(tally: Tally): readonly Row[] {
  return [
    ['processes killed', tally.kills],
    ['… at a step', tally.step],
    ['… at a random moment', tally.moment],
    ['… after it had stalled past the end of its lease', tally.stall],
    ['power cuts', tally.cut],
    ['processes that a power cut ended', tally.lost],
    ['processes that finished', tally.survivors],
    ['ledgers, each shared by 6 to 18 of these', tally.scenarios],
    ['purchases, each under one key', tally.purchases],
    ['charges on the chain', tally.transfers],
    ['double charges', tally.promises.find(([promise]) => promise.startsWith('a key is charged'))?.[2] ?? 0],
    ['money that left the accounts, prices and fees, in millionths of a dollar', tally.left],
    ['money that the ledgers counted', tally.counted],
    ['answers that reached a process', tally.deliveries],
    ['checks', tally.promises.reduce((sum, [, checks]) => sum + checks, 0)],
    ['broken promises', tally.broken.length],
    ['seconds', tally.seconds.toFixed(0)],
  ]
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

function table(head: readonly string[], rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}
