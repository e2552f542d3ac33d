import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type ApprovalJob, AT, type Job, type SessionJob, type StripeJob } from './words.js'

/** One file that starts in a sixth of a second: hundreds of processes are started from it. */
export async function bundlePayer(
  source:
    | 'payer'
    | 'session-payer'
    | 'stripe-payer'
    | 'evm-payer'
    | 'lightning-payer'
    | 'approval-payer' = 'payer',
): Promise<string> {
  const outfile = fileURLToPath(
    new URL(`../../node_modules/.cache/purser/${source}-${process.pid}.mjs`, import.meta.url),
  )
  await build({
    bundle: true,
    platform: 'node',
    format: 'esm',
    minify: true,
    external: ['@photostructure/sqlite'],
    banner: { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" },
    entryPoints: [fileURLToPath(new URL(`${source}.ts`, import.meta.url))],
    outfile,
    logLevel: 'error',
  })
  return outfile
}

/** A payer that was started. */
export interface Running {
  kill(): void
  stop(): void
  resume(): void
  /** Resolves with its first word. */
  readonly told: Promise<void>
  /** Resolves when it is gone: `killed`, or the code that it ended with; and what it said was delivered. */
  readonly ended: Promise<Ended>
}

export interface Ended {
  readonly code: number | 'killed'
  /** Idempotency keys of answers that were read to the end, with the reference of their payment. */
  readonly delivered: readonly (readonly [key: string, reference: string | undefined])[]
  /** The boundary at which it said that it was there. */
  readonly at?: string
}

export function startPayer(payer: string, job: ApprovalJob | Job | SessionJob | StripeJob): Running {
  const child = spawn(process.execPath, [payer], {
    env: { ...process.env, JOB: JSON.stringify(job) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const told = new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()))
  return {
    kill: () => void child.kill('SIGKILL'),
    stop: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    told,
    ended: endOf(child),
  }
}

function endOf(child: ChildProcess): Promise<Ended> {
  let out = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      const lines = out.split('\n').filter((line) => line !== '')
      const at = lines.find((line) => line.startsWith(AT))?.slice(AT.length)
      const answers = lines.filter((line) => !line.startsWith(AT))
      const delivered = answers.map((line) => {
        const [key = '', reference] = line.split(' ')
        return [key, reference === '-' ? undefined : reference] as const
      })
      resolve({ code: code ?? 'killed', delivered, ...(at === undefined ? {} : { at }) })
    })
  })
}
