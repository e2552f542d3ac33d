import { readFile } from 'node:fs/promises'
import { GROUPS } from './cases/index.js'
import type { Client } from './clients.js'
import { CELLS, type Cell } from './matrix/cells.js'
import { ALL_WAYS } from './matrix/ways.js'
import type { Trial } from './trial.js'

/** The page that has the table. */
export const PAGE = new URL('../../docs/safety.md', import.meta.url)

const BEGIN = '<!-- begin: npm run safety -- --write -->'
const END = '<!-- end -->'

/** Verdicts, for programs and for people. */
export const isDefended = ({ wrong }: Trial): boolean => wrong.length === 0

const cell = (text: string): string => text.replaceAll('|', '\\|')

function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.map((each) => cell(String(each))).join(' | ')} |`
}

/** The generated part of the page: what a run gave, in the order of the cases, without anything that varies. */
export function generated(trials: readonly Trial[]): string {
  const tables = GROUPS.map(({ name, cases }) => {
    const rows = cases.flatMap(({ attack }) =>
      trials
        .filter((trial) => trial.client === 'purser' && trial.attack === attack)
        .map(({ did, signatures, cash }) => row(attack, did, signatures, cash)),
    )
    const head = [row('the server', 'what Purser did', 'signatures', 'USD'), '|---|---|---|---|']
    return [`### ${name}`, '', ...head, ...rows].join('\n')
  })
  return [...tables, matrix()].join('\n\n')
}

/** The number of faults that were tried for each dependency, over each protocol. */
function matrix(): string {
  const dependencies = [...new Set(CELLS.map(({ dependency }) => dependency))]
  const counts = (cells: readonly Cell[]): readonly number[] =>
    ALL_WAYS.map((way) => cells.filter((each) => each.way === way).length)
  const rows = dependencies.map((dependency) =>
    row(dependency, ...counts(CELLS.filter((each) => each.dependency === dependency)).map((n) => n || '')),
  )
  return [
    '### Dependencies that fail',
    '',
    row('dependency', 'faults over HTTP', 'MCP', 'JSON-RPC'),
    '|---|---|---|---|',
    ...rows,
    row('all, and all fail closed', ...counts(CELLS)),
  ].join('\n')
}

/** The page with its generated part replaced. */
export async function pageWith(part: string): Promise<string> {
  const [before, after] = await around()
  return `${before}${BEGIN}\n\n${part}\n\n${END}${after}`
}

/** The generated part, as it was committed. */
export async function committed(): Promise<string> {
  const [before, after] = await around()
  const text = await readFile(PAGE, 'utf8')
  return text.slice(before.length + BEGIN.length, text.length - after.length - END.length).trim()
}

async function around(): Promise<readonly [string, string]> {
  const text = await readFile(PAGE, 'utf8')
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin) throw new TypeError(`docs/safety.md has no part between ${BEGIN} and ${END}`)
  return [text.slice(0, begin), text.slice(end + END.length)]
}

/** Side by side, for a terminal. */
export function printed(trials: readonly Trial[], clients: readonly Client[]): string {
  const rows = GROUPS.flatMap(({ name, cases }) => {
    const own = cases.flatMap(({ attack }) => trialsOf(attack, trials, clients))
    return own.length === 0 ? [] : [[name, '', '', '', '', ''], ...own, ['', '', '', '', '', '']]
  })
  const head = ['the server', 'client', 'what it did', 'signatures', 'USD', 'defended']
  return [...aligned([head, ...rows]), ...clients.map((client) => summary(client, trials))].join('\n')
}

function trialsOf(
  attack: string,
  trials: readonly Trial[],
  clients: readonly Client[],
): readonly (readonly string[])[] {
  return clients.flatMap(({ name }, index) =>
    trials
      .filter((trial) => trial.client === name && trial.attack === attack)
      .map((trial) => {
        const { did, signatures, cash } = trial
        return [index === 0 ? `  ${attack}` : '', name, did, String(signatures), cash, verdict(trial)]
      }),
  )
}

function verdict(trial: Trial): string {
  const { wrong, unheard } = trial
  const why = unheard.length === 0 ? '' : ` (no option for: ${unheard.join(', ')})`
  return isDefended(trial) ? 'yes' : `no: ${wrong.join('; ')}${why}`
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((each) => each[column]?.length ?? 0)))
  return rows.map((each) =>
    each
      .map((text, column) => text.padEnd(Math.min(widths[column] ?? 0, 72)))
      .join('  ')
      .trimEnd(),
  )
}

function summary({ name, set }: Client, trials: readonly Trial[]): string {
  // What is no attack is no defence either.
  const attacks = new Set(GROUPS.slice(1).flatMap(({ cases }) => cases.map(({ attack }) => attack)))
  const own = trials.filter(({ client, attack }) => client === name && attacks.has(attack))
  const lost = own.filter((trial) => !isDefended(trial))
  const deaf = lost.filter(({ unheard }) => unheard.length > 0).length
  const why = deaf === 0 ? '' : `; in ${deaf} of the others it has no option for what the user says`
  return `${name}: ${own.length - lost.length} of ${own.length} defended${why}. ${set}`
}
