import { join } from 'node:path'
import { answering, freePort, type Project, withoutSqlite, wrongAnswer } from './project.js'

const ROUTE = JSON.stringify({ status: 200, text: 'tea, from the paid API', state: 'settled' })

/** Builds an app of Next.js, with its own bundler (Turbopack). */
export async function buildNext(project: Project): Promise<string | undefined> {
  const { code, printed } = await next(project, 'build').ended
  // A warning is a failure. Two are about the Edge runtime itself. In CI, Next.js also says that it found no build cache.
  const known = /edge runtime|no build cache/i
  const warnings = printed.split('\n').filter((line) => line.startsWith('⚠') && !known.test(line))
  if (code !== 0 || warnings.length > 0) return `exit code ${code}\n${printed}`
  return withoutSqlite(join(project.home, 'apps/next/.next/server/edge'))
}

/** Serves it: a route of the Node runtime pays twice, and one of the Edge runtime pays. */
export async function serveNext(project: Project): Promise<string | undefined> {
  const port = await freePort()
  const server = next(project, 'start', '--port', String(port), '--hostname', '127.0.0.1')
  const route = (name: string) => answering(`http://127.0.0.1:${port}/${name}`, server)
  try {
    for (const reply of [await route('node'), await route('node')]) {
      const text = await reply.text()
      if (text !== ROUTE) return `the Node route: ${text}\n${server.printed()}`
    }
    const wrong = wrongAnswer(await (await route('edge')).json())
    if (wrong !== undefined) return `the Edge route: ${wrong}`
    return /unhandledRejection|⨯/.test(server.printed()) ? server.printed() : undefined
  } finally {
    server.child.kill('SIGKILL')
  }
}

function next({ home, env, start }: Project, ...args: readonly string[]) {
  const LEDGER = join(home, 'next-ledger/ledger.db')
  return start(process.execPath, [join(home, 'node_modules/next/dist/bin/next'), ...args], {
    cwd: join(home, 'apps/next'),
    env: { ...process.env, ...env, LEDGER, NEXT_TELEMETRY_DISABLED: '1' },
  })
}
