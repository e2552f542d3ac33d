import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'

/**
 * Takes a variable out of the environment, and out of the memory in which the operating system keeps the environment that
 * the process was started with: deleting it from `process.env` does not change that, and `/proc/<pid>/environ` shows it
 * to every process of the same user.
 *
 * @returns Who can still read the value there, as a part of a sentence; undefined if nobody can.
 */
export function eraseVariable(env: Record<string, string | undefined>, name: string): string | undefined {
  const value = env[name]
  delete env[name]
  if (value === undefined || value === '') return undefined
  // Deleting it there is enough: Windows has one copy of the environment.
  if (process.platform === 'win32') return undefined
  if (process.platform !== 'linux') return 'other programs of the same user (ps shows it)'
  const shown = eraseFromMemory(name)
  if (shown === undefined) return undefined
  return shown === 'self' ? 'other programs of the same user (in /proc/self/environ)' : shown
}

/** Linux lets a process write to its own memory, through a file. What could not be erased is found by looking again. */
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

/** Where the values of a variable stand in a block of `NAME=value` texts, each with a zero byte at its end. */
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

/** The fields behind the name of the program, which may hold spaces and brackets. */
function statOf(process: string): readonly string[] {
  const text = readFileSync(`/proc/${process}/stat`, 'latin1')
  return text.slice(text.lastIndexOf(')') + AFTER_NAME).split(' ')
}

function shows(process: string, name: string): boolean {
  const block = readFileSync(`/proc/${process}/environ`)
  return placesOf(name, block).some(({ from, to }) => block.subarray(from, to).some((byte) => byte !== 0))
}

const MOST_PARENTS = 16

/** The nearest process above this one whose environment has the variable too: `npm start`, a shell script. */
function parentThatShows(name: string): string | undefined {
  let process = 'self'
  try {
    for (let depth = 0; depth < MOST_PARENTS; depth++) {
      process = statOf(process)[PARENT] ?? '0'
      if (process === '0') return undefined
      if (shows(process, name)) return process
    }
  } catch {
    // A process of another user, whose environment this one cannot read either.
  }
  return undefined
}
