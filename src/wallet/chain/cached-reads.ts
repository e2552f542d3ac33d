import type { Instant } from '../../money/index.js'
import type { Hex } from './hex.js'

/** What a chain said of each token of an account, as far as is known without waiting. */
export interface CachedReads<T> {
  /** The cached reading; read once where nothing is known yet. Undefined: no node answered, so nobody knows. */
  known(chainId: number, token: Hex, now: Instant): Promise<T | undefined>
  /** Reads it now. */
  read(chainId: number, token: Hex, now: Instant): Promise<T | undefined>
  /** Nothing is known any more. */
  forget(): void
  /** A signed payment will change it like this. */
  change(chainId: number, token: Hex, changed: (value: T) => T): void
}

interface Entry<T> {
  value: T | undefined
  at: Instant
  reading?: Promise<T | undefined>
}

/** Older than this, a value is read again in the background, and the old one used meanwhile. */
const FRESH_MS = 15_000

/**
 * Values that a payment needs and must not wait for: stale ones are refreshed beside it, never before it.
 *
 * @param look Asks the chain. Undefined for no answer; it never rejects.
 */
export function cachedReads<T>(
  look: (chainId: number, token: Hex) => Promise<T | undefined>,
): CachedReads<T> {
  const entries = new Map<string, Entry<T>>()
  const entryOf = (chainId: number, token: Hex): Entry<T> => {
    const key = `${chainId}:${token}`
    const entry = entries.get(key) ?? { value: undefined, at: Number.NEGATIVE_INFINITY }
    entries.set(key, entry)
    return entry
  }
  const read: CachedReads<T>['read'] = (chainId, token, now) => {
    const entry = entryOf(chainId, token)
    entry.reading ??= look(chainId, token).then((value) => {
      delete entry.reading
      // An unanswered reading counts as one, so that a node that is down is not asked on every payment.
      entry.at = now
      if (value !== undefined) entry.value = value
      return value
    })
    return entry.reading
  }
  return {
    read,
    forget: () => entries.clear(),
    async known(chainId, token, now) {
      const entry = entryOf(chainId, token)
      if (now - entry.at < FRESH_MS) return entry.value
      const reading = read(chainId, token, now)
      return entry.value ?? reading
    },
    change(chainId, token, changed) {
      const entry = entryOf(chainId, token)
      if (entry.value !== undefined) entry.value = changed(entry.value)
    },
  }
}
