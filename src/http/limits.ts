import { type Names, ownOptions } from '../errors/index.js'
import { checkDuration } from '../money/index.js'
import type { BodyLimits } from '../protocol/index.js'
import type { KeepLimits } from './body.js'

export type { BodyLimits }

/** Bounds on what is kept and read. */
export interface HttpLimits {
  /** Of a request body that can be read only once. */
  readonly keep: KeepLimits
  /** Of a reply's body that may hold a problem, or that is drained. */
  readonly read: BodyLimits
}

/** Bounds on what Purser keeps and reads. A bound that you leave out has its default. */
export interface HttpLimitsOptions {
  /** Of a request body that can be read only once. Default: 1 MiB, and ten seconds for the rest of it once a 402 is in. */
  readonly keep?: Partial<KeepLimits>
  /** Of a reply's body that may hold a problem, or that is drained. Default: 64 KiB within a second. */
  readonly read?: Partial<BodyLimits>
}

const KIB = 1024

/** A body of a mebibyte, a problem of 64 KiB, and a server that takes a second for it, are all generous. */
const DEFAULT_LIMITS: HttpLimits = {
  keep: { bytes: KIB * KIB, patienceMs: 10_000 },
  read: { bytes: 64 * KIB, patienceMs: 1_000 },
}

/** What JavaScript engines can hold in one piece. */
const MOST_BYTES = 2 ** 31 - 1
const GROUPS: Names<HttpLimitsOptions> = { keep: true, read: true }
const BOUNDS: Names<KeepLimits> = { bytes: true, patienceMs: true }

/** @throws TypeError for a name that is not known, a patience that no timer holds, and a size that is none. */
export function httpLimits(given: HttpLimitsOptions = {}): HttpLimits {
  const { keep = {}, read = {} } = ownOptions(given, GROUPS, '`limits`')
  return {
    keep: boundsOf('limits.keep', keep, DEFAULT_LIMITS.keep),
    read: boundsOf('limits.read', read, DEFAULT_LIMITS.read),
  }
}

function boundsOf(name: string, given: Partial<KeepLimits>, otherwise: KeepLimits): KeepLimits {
  const { bytes = otherwise.bytes, patienceMs = otherwise.patienceMs } = ownOptions(
    given,
    BOUNDS,
    `\`${name}\``,
  )
  checkDuration(`${name}.patienceMs`, patienceMs)
  return { bytes: checkBytes(`${name}.bytes`, bytes), patienceMs }
}

/**
 * Reads an option that is a size.
 *
 * @throws TypeError that names the option and its bounds.
 */
export function checkBytes(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_BYTES) return value
  throw new TypeError(`${name} must be a whole number of bytes from 0 to ${MOST_BYTES}`)
}
