import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MUTANTS, type Mutant } from './mutants/list.js'

/**
 * Breaks a copy of the sources, one fault at a time, and sees that the tests notice: `--only <name>`,
 * or `--in src/cli` for the faults of a folder. A fault that no
 * test notices means that the promise it breaks is not tested.
 */

/** What a copy needs to run tests. Dependencies are linked. */
const COPIED = [
  'src',
  'test',
  'tools',
  'bench',
  'docs',
  'examples',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
]
/** Tests and chains share the machine: more would only make them time out, which looks like a notice. */
const AT_ONCE = 2
/** A test that is slow because the machine is busy is no notice either. */
const TIMEOUT_MS = 300_000
/** A test that waits for ever because of its fault fails after this time. It is far longer than any test takes. */
const TEST_TIMEOUT_MS = 100_000
/** A fault that is a loop without end blocks the test's process: the process ends only if somebody kills it. */
const ENDLESS_MS = 60_000

type Outcome = 'killed' | 'survived' | 'not found' | 'no test ran' | 'timed out'

interface Result {
  readonly mutant: Mutant
  readonly outcome: Outcome
  readonly seconds: number
  readonly by: string
}

interface Run {
  readonly failed: readonly string[]
  readonly ran: number
  readonly timedOut: boolean
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, in: { type: 'string', default: '' } } })
  const chosen = MUTANTS.filter(
    ({ name, file }) => (values.only === undefined || name === values.only) && file.startsWith(values.in),
  )
  if (chosen.length === 0) throw new TypeError(`There is no mutant ${values.only ?? ''} in ${values.in}`)
  const copies = await Promise.all(Array.from({ length: Math.min(AT_ONCE, chosen.length) }, copyOfSources))
  try {
    if (!(await passUnchanged(chosen, copies))) return 1
    const queue = [...chosen]
    const results: Result[] = []
    await Promise.all(copies.map((copy) => work(copy, queue, results)))
    return summary(results)
  } finally {
    for (const copy of copies) await rm(copy, { recursive: true, force: true })
  }
}

async function copyOfSources(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'purser-mutants-'))
  // Some tests start a process of another user, who must be able to read the sources.
  await chmod(copy, 0o755)
  for (const name of COPIED) await cp(name, join(copy, name), { recursive: true, filter: isOurs })
  await symlink(join(process.cwd(), 'node_modules'), join(copy, 'node_modules'))
  return copy
}

function isOurs(path: string): boolean {
  return !path.includes('node_modules')
}

/** Tests that fail anyway would notice everything. */
async function passUnchanged(chosen: readonly Mutant[], copies: readonly string[]): Promise<boolean> {
  const files = [...new Set(chosen.flatMap(({ tests }) => tests))]
  const missing = files.filter((file) => !existsSync(file))
  for (const file of missing) console.log(`There is no test file ${file}`)
  if (missing.length > 0) return false
  const parts = copies.map((copy, at) => ({
    copy,
    files: files.filter((_, index) => index % copies.length === at),
  }))
  const runs = await Promise.all(
    parts.map(({ copy, files: some }) => (some.length === 0 ? undefined : runTests(copy, some))),
  )
  const failed = runs.flatMap((run) => [...(run?.failed ?? []), ...(run?.timedOut ? ['(timed out)'] : [])])
  for (const name of failed) console.log(`Fails without any fault: ${name}`)
  return failed.length === 0
}

async function work(copy: string, queue: Mutant[], results: Result[]): Promise<void> {
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const result = await tryMutant(copy, mutant)
    results.push(result)
    const { name } = mutant
    console.log(
      `${result.outcome.padEnd(12)}${name.padEnd(36)}${String(result.seconds).padStart(4)} s  ${result.by}`,
    )
  }
}

async function tryMutant(copy: string, mutant: Mutant): Promise<Result> {
  const began = performance.now()
  const path = join(copy, mutant.file)
  const source = await readFile(path, 'utf8')
  const done = (outcome: Outcome, by = ''): Result => ({
    mutant,
    outcome,
    seconds: Math.round((performance.now() - began) / 1000),
    by,
  })
  if (source.split(mutant.find).length !== 2) return done('not found', `in ${mutant.file}`)
  try {
    await writeFile(
      path,
      source.replace(mutant.find, () => mutant.replace),
    )
    const limit = mutant.endless ? ENDLESS_MS : TIMEOUT_MS
    const run = await runTests(copy, mutant.tests, { named: mutant.named, limit })
    if (run.timedOut) return mutant.endless ? done('killed', 'the test never ends') : done('timed out')
    const [first] = run.failed
    if (first !== undefined) return done('killed', first)
    // A copy that does not even load has not been judged by anybody.
    return run.ran === 0 ? done('no test ran') : done('survived', mutant.breaks)
  } finally {
    await writeFile(path, source)
  }
}

interface TestLimits {
  readonly named?: string | undefined
  /** In milliseconds. */
  readonly limit?: number
}

/** The tests of those files, up to the first that fails. */
async function runTests(
  copy: string,
  files: readonly string[],
  { named, limit = TIMEOUT_MS }: TestLimits = {},
): Promise<Run> {
  const report = join(copy, 'report.json')
  await rm(report, { force: true })
  const runner = join('node_modules', 'vitest', 'vitest.mjs')
  const patience = [`--testTimeout=${TEST_TIMEOUT_MS}`, `--hookTimeout=${TEST_TIMEOUT_MS}`]
  const options = ['--bail=1', '--maxWorkers=1', ...patience, '--reporter=json', `--outputFile=${report}`]
  const only = named === undefined ? [] : ['-t', named]
  const child = spawn(process.execPath, [runner, 'run', ...options, ...only, ...files], {
    cwd: copy,
    stdio: 'ignore',
    detached: true,
  })
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    endGroup(child)
  }, limit)
  const code = await new Promise<unknown>((resolve) => child.once('close', resolve))
  clearTimeout(timer)
  const text = await readFile(report, 'utf8').catch(() => '{}')
  const { failed, ran } = readReport(JSON.parse(text))
  // An error that no test waits for fails the run too.
  const outside = code !== 0 && ran > 0 && failed.length === 0 ? ['(an error outside of the tests)'] : []
  return { failed: [...failed, ...outside], ran, timedOut }
}

/** Ends the test runner and the processes that it started: one of them may be in a loop without end. */
function endGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL')
}

interface Report {
  readonly testResults?: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

function readReport({ testResults = [] }: Report): Omit<Run, 'timedOut'> {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const ended = tests.filter(({ status }) => status === 'passed' || status === 'failed')
  const failed = tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName)
  return { failed, ran: ended.length }
}

function summary(results: readonly Result[]): number {
  const left = results.filter(({ outcome }) => outcome !== 'killed')
  console.log(
    `\n${results.length - left.length} of ${results.length} mutants killed\n\n${tableOf(results)}\n`,
  )
  for (const { mutant, outcome } of left) console.log(`${outcome}: ${mutant.name} (${mutant.breaks})`)
  return left.length === 0 ? 0 : 1
}

/** By folder of the sources: what the page on safety shows. */
function tableOf(results: readonly Result[]): string {
  const folders = [...new Set(results.map(folderOf))].sort()
  const rows = folders.map((folder) => {
    const own = results.filter((result) => folderOf(result) === folder)
    return `| \`${folder}\` | ${own.length} | ${own.filter(({ outcome }) => outcome === 'killed').length} |`
  })
  return ['| sources | faults | noticed by a test |', '|---|---|---|', ...rows].join('\n')
}

function folderOf({ mutant: { file } }: Result): string {
  return file.split('/').slice(0, 2).join('/')
}

process.exitCode = await main()
