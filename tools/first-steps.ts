/**
 * Does what README and the pages for beginners say, in empty folders: types every command, runs every program, and compares
 * what they print. The networks that they name are chains on this machine. `--linked` takes the installed packages of this
 * clone instead of `npm ci`: quicker, and less of a proof.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { ROOT } from './check/entries.js'
import { inlineCommands, type Step, shows, stepsOf } from './first-steps/page.js'
import { startWorld, type World } from './first-steps/world.js'

const { linked } = parseArgs({ options: { linked: { type: 'boolean', default: false } } }).values

/** README's commands that take minutes: .ci/run types them itself, in a fresh clone. */
const LEFT_TO_CI = ['npm test']
/** Names what measured a table; it is no step for a reader, and takes a quarter of an hour. */
const MENTIONED = ['npm run bench']
const COMMAND_TIME_MS = 300_000

/** A step of the documentation that does not do what it says. */
class BrokenStep extends Error {
  override readonly name = 'BrokenStep'
}

const home = mkdtempSync(join(tmpdir(), 'purser-first-steps-'))
const clone = join(home, 'purser')
const background: ChildProcess[] = []
let done = 0

const world = await startWorld()
try {
  copyRepository()
  await walkReadme(world)
  await walkPages(world)
  console.log(`${done} steps of the documentation did what they say`)
} catch (error) {
  console.error(error instanceof BrokenStep ? error.message : error)
  process.exitCode = 1
} finally {
  for (const child of background) child.kill('SIGKILL')
  await world.stop()
  rmSync(home, { recursive: true, force: true })
}

/** What a clone would hold, with what is not committed yet. */
function copyRepository(): void {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  for (const file of files.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(clone, file)), { recursive: true })
    cpSync(join(ROOT, file), join(clone, file))
  }
  if (linked) symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
}

async function walkReadme({ agentKey, ownKey }: World): Promise<void> {
  const text = read('README.md')
  const project = join(home, 'project')
  mkdirSync(project)
  for (const step of stepsOf(text)) {
    if (step.kind === 'commands')
      for (const line of step.lines)
        await type(line, line.includes('../purser') || line.startsWith('npm install @') ? project : clone)
    else if (step.kind === 'code' && step.heading === 'Quick start') {
      writeFileSync(join(project, 'quick-start.mjs'), step.text)
      const printed = await type('node quick-start.mjs', project, { AGENT_KEY: agentKey })
      expect(printed, '200 tea, from the paid API')
    }
  }
  writeFileSync(join(project, 'key'), ownKey, { mode: 0o600 })
  writeFileSync(
    join(project, 'agent.js'),
    "fetch('https://api.example').then(async (r) => console.log(r.status, await r.text()))\n",
  )
  writeFileSync(
    join(project, 'policy.yaml'),
    'version: 1\nperPayment: 0.10\nbudgets: [{ limit: 5, per: day }]\nvendors: [{ origin: https://api.example }]\n',
  )
  for (const command of inlineCommands(text).filter((one) => !MENTIONED.includes(one))) {
    const auto = command.includes('purser/auto')
    const printed = await type(command, auto ? project : clone)
    expect(printed, auto ? '200 tea, from the paid API' : '…')
  }
}

/** A page that ends in a program which serves goes on in a second terminal. */
async function walkPages({ ownKey }: World): Promise<void> {
  let cwd = home
  for (const page of ['docs/first-payment.md', 'docs/own-server.md']) {
    let printed = ''
    for (const step of stepsOf(read(page))) {
      if (step.kind === 'file') writeFileSync(join(cwd, step.name), step.text)
      else if (step.kind === 'prints') expect(printed, step.text)
      else if (step.kind === 'commands') {
        printed = ''
        for (const line of step.lines) {
          printed += await typeIn(line)
          if (line.startsWith('cd ')) cwd = join(cwd, line.slice(3))
        }
      } else {
        writeFileSync(join(cwd, 'example.mjs'), step.text)
        await type('node example.mjs', cwd, { TEMPO_KEY: ownKey })
      }
    }
  }

  async function typeIn(line: string): Promise<string> {
    const program = /^node ([\w.-]+\.mjs)$/.exec(line)?.[1]
    const serves = program !== undefined && readFileSync(join(cwd, program), 'utf8').includes('.listen(')
    return serves ? startServer(line, cwd) : type(line, cwd)
  }
}

/** Types a command, and returns what it prints. */
async function type(line: string, cwd: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const installed = linked || done > 0
  const command = installed && cwd === clone ? line.replace(/^npm ci && /, '') : line
  if (LEFT_TO_CI.includes(command.replace(/^npm ci && /, ''))) return checkCi(line)
  console.log(`$ ${line}`)
  const child = start(command, cwd, more)
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
  const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIME_MS)
  const code = await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(timer)
  if (code !== 0) throw new BrokenStep(`${line}: exit code ${code}\n${printed}`)
  done++
  return printed
}

/** Starts a program that goes on, and waits until it listens. */
async function startServer(line: string, cwd: string): Promise<string> {
  console.log(`$ ${line} &`)
  const child = start(`exec ${line}`, cwd, {})
  background.push(child)
  let printed = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        printed += chunk.toString()
        if (printed.includes('listening')) resolve()
      })
    child.once('close', () => reject(new BrokenStep(`${line}: ended\n${printed}`)))
  })
  done++
  return printed
}

function start(command: string, cwd: string, more: Readonly<Record<string, string>>): ChildProcess {
  const ours = command.includes('node ') ? { NODE_OPTIONS: `--import=${tool('hosts.mjs')}` } : {}
  return spawn('bash', ['-ec', command], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...ours,
      STEPS_HOSTS: JSON.stringify(world.hosts),
      STEPS_UNDICI: pathToFileURL(join(ROOT, 'node_modules/undici/index.js')).href,
      XDG_STATE_HOME: join(home, 'state'),
      ...more,
    },
  })
}

function tool(name: string): string {
  return pathToFileURL(join(ROOT, 'tools/first-steps', name)).href
}

function checkCi(line: string): string {
  const steps = readFileSync(join(ROOT, '.ci/run'), 'utf8')
  for (const part of line.split(' && '))
    if (!new RegExp(`^step \\S+ ${part}( |$)`, 'm').test(steps))
      throw new BrokenStep(`.ci/run has no step ${part}`)
  return ''
}

function expect(printed: string, expected: Extract<Step, { kind: 'prints' }>['text']): void {
  if (!shows(printed, expected)) throw new BrokenStep(`expected:\n${expected}\n\nprinted:\n${printed}`)
}

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}
