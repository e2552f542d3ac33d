import type { Instant } from '../../money/index.js'
import type { Hex } from './hex.js'

/** Cached values that a chain reports per token of an account. */
export interface CachedReads<T> {
  /** Returns the cached value; the first call reads it. Undefined if no node answered. */
  known(chainId: number, token: Hex, now: Instant): Promise<T | undefined>
  /** Reads the value from the chain. */
  read(chainId: number, token: Hex, now: Instant): Promise<T | undefined>
  /** Clears the cache. */
  forget(): void
  /** Applies the effect of a signed payment to the cached value. */
  change(chainId: number, token: Hex, changed: (value: T) => T): void
}

interface Entry<T> {
  value: T | undefined
  at: Instant
  reading?: Promise<T | undefined>
}

/** The age in milliseconds after which a value is read again in the background; the old one is used meanwhile. */
const FRESH_MS = 15_000

/**
 * Caches values that a payment needs without waiting. Stale values are refreshed in parallel to a payment and never
 * delay it.
 *
 * @param look - Reads the value from the chain. It returns undefined without an answer, and never rejects.
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
      // A read without an answer counts as one, so that a node that is down is not asked on every payment.
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
