import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { runCampaign, type Tally } from '../test/crash/campaign.js'

/** Kills paying processes, recovers, and compares ledger, chain and deliveries: `--kills 2000 --seed 7 --at-once 4`. */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '3600' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'at-once': { type: 'string', default: '4' },
  },
})
// The reference server prints every transaction that the chain refuses. Here that is what the wire is for.
console.error = () => undefined
const seed = Number(values.seed)
console.log(`seed ${seed}`)
const tally = await runCampaign({
  kills: Number(values.kills),
  seconds: Number(values.seconds),
  seed,
  atOnce: Number(values['at-once']),
})
console.log(table(tally))
if (process.env['FIGURES'] === '1') await writeFile('docs/crash-figures.md', page(tally))
for (const promise of tally.broken) console.log(`BROKEN ${promise}`)
process.exit(tally.broken.length === 0 ? 0 : 1)

function page(tally: Tally): string {
  return [
    '# Killed payers',
    '',
    'Processes that pay an unmodified reference server on a local chain, through a wire that breaks, and are killed. After',
    'every death, and after recovery, ledger, chain and deliveries are compared. Written by `FIGURES=1 npm run crash:long`.',
    '',
    `Seed ${seed}.`,
    '',
    table(tally),
    '',
  ].join('\n')
}

function table({ faults, broken, seconds, ...counts }: Tally): string {
  const rows: readonly (readonly [string, string | number])[] = [
    ['processes killed', counts.kills],
    ['… at a step', counts.step],
    ['… at a random moment', counts.moment],
    ['… after it had stalled past the end of its lease', counts.stall],
    ['processes that got to their end', counts.survivors],
    ['ledgers, each shared by 8 to 12 of these', counts.scenarios],
    ['purchases, each under one key', counts.purchases],
    ['charges on the chain', counts.transfers],
    ['answers that reached a process', counts.deliveries],
    ...[...faults].sort().map(([fault, count]) => [`wire: ${fault}`, count] as const),
    ['checks', counts.checks],
    ['broken promises', broken.length],
    ['seconds', seconds.toFixed(0)],
  ]
  return ['| | |', '|---|---|', ...rows.map(([name, count]) => `| ${name} | ${count} |`)].join('\n')
}
