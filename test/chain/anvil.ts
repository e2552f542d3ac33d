import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** A local chain process. */
export interface Anvil {
  readonly url: string
  stop(): Promise<void>
}

const require = createRequire(import.meta.url)

/**
 * The native binary of this platform, so that no wrapper process stands between us and the child we must kill. The
 * platform package is a dependency of the wrapper, and is resolved from there.
 */
function anvilPath(): string {
  const wrapper = createRequire(require.resolve('@foundry-rs/anvil/package.json'))
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const manifest = wrapper.resolve(`@foundry-rs/anvil-${process.platform}-${arch}/package.json`)
  return join(dirname(manifest), 'bin', process.platform === 'win32' ? 'anvil.exe' : 'anvil')
}

/**
 * A chain as Ethereum is: with a coin, and no precompiles of Tempo's. Interval mining keeps `latest` young, without
 * which the validity of every simulation fails; two-slot epochs make `finalized` follow `latest` by two blocks.
 */
export const PLAIN: readonly string[] = '--block-time 1 --mixed-mining --slots-in-an-epoch 1'.split(' ')

/** T4 has expiring nonces and settles a signature once. */
const TEMPO: readonly string[] = [...'--network tempo --hardfork T4'.split(' '), ...PLAIN]

/**
 * Starts a local chain on a free port: Tempo's, or a {@link PLAIN} one. Rejects with what the process printed if it does
 * not come up; the child dies with this process.
 */
export async function startAnvil(
  args: readonly string[] = [],
  kind: readonly string[] = TEMPO,
): Promise<Anvil> {
  const child = spawn(anvilPath(), [...kind, '--port', '0', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  try {
    const port = await listening(child)
    child.stdout.resume()
    child.stderr.resume()
    return {
      url: `http://127.0.0.1:${port}`,
      async stop() {
        process.off('exit', kill)
        kill()
        await gone
      },
    }
  } catch (error) {
    process.off('exit', kill)
    kill()
    throw error
  }
}

function listening(child: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((resolve, reject) => {
    let printed = ''
    const fail = (why: string) => reject(new Error(`anvil ${why}:\n${printed.slice(-2000)}`))
    const timer = setTimeout(() => fail('did not come up within 30 s'), 30_000)
    const read = (chunk: Buffer) => {
      printed += chunk.toString()
      const port = /Listening on [\d.]+:(\d+)/.exec(printed)?.[1]
      if (port === undefined) return
      clearTimeout(timer)
      child.stdout?.off('data', read)
      child.stderr?.off('data', read)
      resolve(Number(port))
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', (error) => {
      clearTimeout(timer)
      fail(`could not be started (${error.message})`)
    })
    child.once('exit', (code) => {
      clearTimeout(timer)
      fail(`ended with code ${code}`)
    })
  })
}
