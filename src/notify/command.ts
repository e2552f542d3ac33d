import { spawn } from 'node:child_process'
import { ATTEMPT_MS, NotDelivered } from './sending.js'

/** The variables that a program gets. All others stay here, because one may be a key. */
const VARIABLES = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
  'SystemRoot',
]

/**
 * Runs a program without a shell, with a text on its standard input. Its output is not read.
 *
 * @throws NotDelivered if it cannot be started, fails, or takes longer than ten seconds.
 */
export async function runCommand(
  [program = '', ...args]: readonly string[],
  input: string,
  signal: AbortSignal,
): Promise<void> {
  const env = Object.fromEntries(
    VARIABLES.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
  const child = spawn(program, args, {
    env,
    stdio: ['pipe', 'ignore', 'ignore'],
    timeout: ATTEMPT_MS,
    killSignal: 'SIGKILL',
    signal,
  })
  // A program need not read its input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  await new Promise<void>((resolve, reject) => {
    child.once('error', () => reject(new NotDelivered('the program could not be started', false)))
    child.once('close', (code, killedBy) => {
      if (code === 0) resolve()
      else if (killedBy !== null) reject(new NotDelivered('the program did not end in time', false))
      else reject(new NotDelivered(`the program ended with the exit code ${code}`, false))
    })
  })
}
