import { access, constants, statfs } from 'node:fs/promises'
import type { Style } from './style.js'

/** One line of `purser doctor`. */
export interface Finding {
  readonly check: string
  readonly level: 'ok' | 'warn' | 'fail'
  readonly message: string
  /** The command that mends it. */
  readonly fix?: string | undefined
}

const LEVELS = { ok: ['ok', 'green'], warn: ['WARN', 'yellow'], fail: ['FAIL', 'red'] } as const

/** Returns a finding as text. */
export function findingLine({ check, level, message, fix }: Finding, style: Style): string {
  const [word, color] = LEVELS[level]
  const line = `${style.color(color, word.padEnd(5))} ${check.padEnd(11)} ${message}`
  return fix === undefined ? line : `${line}\n${' '.repeat(18)}-> ${fix}`
}

/** The parts of the machine that the checks ask. Tests replace them. */
export interface Probes {
  readonly fetch: typeof globalThis.fetch
  readonly now: () => number
  /** Whether this user can write there. */
  readonly writable: (path: string) => Promise<boolean>
  /** The type of the file system, as statfs(2) numbers it. */
  readonly fileSystem: (path: string) => Promise<number | undefined>
}

export const PROBES: Probes = {
  fetch: (input, init) => globalThis.fetch(input, init),
  now: Date.now,
  writable: (path) =>
    access(path, constants.W_OK).then(
      () => true,
      () => false,
    ),
  fileSystem: async (path) => {
    try {
      return (await statfs(path)).type
    } catch {
      return undefined
    }
  },
}
