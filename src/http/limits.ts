import { type Names, ownOptions } from '../errors/index.js'
import { checkDuration } from '../money/index.js'
import type { BodyLimits } from '../protocol/index.js'
import type { KeepLimits } from './body.js'

export type { BodyLimits }

/** Limits on what is kept and read. */
export interface HttpLimits {
  /** For a request body that can be read only once. */
  readonly keep: KeepLimits
  /** For the body of a reply that may contain a problem, or that is drained. */
  readonly read: BodyLimits
}

/** Limits on what Purser keeps and reads. Each has a default. */
export interface HttpLimitsOptions {
  /** For a request body that can be read only once. Default: 1 MiB, and ten seconds for its rest after a 402. */
  readonly keep?: Partial<KeepLimits>
  /** For the body of a reply that may contain a problem, or that is drained. Default: 64 KiB within a second. */
  readonly read?: Partial<BodyLimits>
}

const KIB = 1024

/** Generous values: a body of a mebibyte, a problem of 64 KiB, and a second for the server. */
const DEFAULT_LIMITS: HttpLimits = {
  keep: { bytes: KIB * KIB, patienceMs: 10_000 },
  read: { bytes: 64 * KIB, patienceMs: 1_000 },
}

/** The size that JavaScript engines can hold in one piece. */
const MOST_BYTES = 2 ** 31 - 1
const GROUPS: Names<HttpLimitsOptions> = { keep: true, read: true }
const BOUNDS: Names<KeepLimits> = { bytes: true, patienceMs: true }

/** @throws TypeError for an unknown name, a time that no timer supports, or an invalid size. */
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
