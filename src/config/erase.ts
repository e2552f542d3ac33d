import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'

/**
 * Erases a variable from the environment and from the memory in which the operating system keeps the original
 * environment. Deleting it from `process.env` does not change that memory, and `/proc/<pid>/environ` shows it to all
 * processes of the same user.
 *
 * @returns Who can still read the value there, as a part of a sentence; undefined if no one can.
 */
export function eraseVariable(env: Record<string, string | undefined>, name: string): string | undefined {
  const value = env[name]
  delete env[name]
  if (value === undefined || value === '') return undefined
  // Deleting is enough here: Windows has one copy of the environment.
  if (process.platform === 'win32') return undefined
  if (process.platform !== 'linux') return 'other programs of the same user (ps shows it)'
  const shown = eraseFromMemory(name)
  if (shown === undefined) return undefined
  return shown === 'self' ? 'other programs of the same user (in /proc/self/environ)' : shown
}

/**
 * Overwrites the value in the process's own memory, through a file that Linux provides. A second look finds values that
 * could not be erased.
 */
function eraseFromMemory(name: string): string | undefined {
  try {
    overwrite(name)
    if (shows('self', name)) return 'self'
  } catch {
    return 'self'
  }
  const parent = parentThatShows(name)
  return parent === undefined
    ? undefined
    : `other programs of the same user (in the environment of process ${parent}, which started this one)`
}

function overwrite(name: string): void {
  const [start, end] = addressesOf()
  const memory = openSync('/proc/self/mem', 'r+')
  try {
    const block = Buffer.alloc(end - start)
    const length = readSync(memory, block, 0, block.length, start)
    for (const { from, to } of placesOf(name, block.subarray(0, length)))
      writeSync(memory, Buffer.alloc(to - from), 0, to - from, start + from)
    block.fill(0)
  } finally {
    closeSync(memory)
  }
}

/** Finds the values of a variable in a block of zero-terminated `NAME=value` texts. */
function placesOf(name: string, block: Buffer): readonly { readonly from: number; readonly to: number }[] {
  const places: { from: number; to: number }[] = []
  const wanted = Buffer.from(`${name}=`)
  for (let at = 0; at < block.length; ) {
    const zero = block.indexOf(0, at)
    const to = zero === -1 ? block.length : zero
    if (block.subarray(at, at + wanted.length).equals(wanted)) places.push({ from: at + wanted.length, to })
    at = to + 1
  }
  return places
}

const AFTER_NAME = 2
/** Fields 50 and 51 of `/proc/<pid>/stat` (proc_pid_stat(5)), counted from the third. */
const ENV_START = 47
const ENV_END = 48
/** Field 4. */
const PARENT = 1

function addressesOf(): readonly [number, number] {
  const fields = statOf('self')
  const start = Number(fields[ENV_START])
  const end = Number(fields[ENV_END])
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start <= 0 || end <= start)
    throw new RangeError('The addresses of the environment are not known')
  return [start, end]
}

/** Returns the fields after the program's name, which may contain spaces and brackets. */
function statOf(process: string): readonly string[] {
  const text = readFileSync(`/proc/${process}/stat`, 'latin1')
  return text.slice(text.lastIndexOf(')') + AFTER_NAME).split(' ')
}

function shows(process: string, name: string): boolean {
  const block = readFileSync(`/proc/${process}/environ`)
  return placesOf(name, block).some(({ from, to }) => block.subarray(from, to).some((byte) => byte !== 0))
}

const MOST_PARENTS = 16

/** Finds the nearest parent process whose environment has the variable too: `npm start`, a shell script. */
function parentThatShows(name: string): string | undefined {
  let process = 'self'
  try {
    for (let depth = 0; depth < MOST_PARENTS; depth++) {
      process = statOf(process)[PARENT] ?? '0'
      if (process === '0') return undefined
      if (shows(process, name)) return process
    }
  } catch {
    // A process of another user; its environment is not readable to this one.
  }
  return undefined
}
