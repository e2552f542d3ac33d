/**
 * Loads something when it is first needed, and once for all callers. If a load fails, the next call tries again.
 *
 * @param load A function that loads it, for example by a dynamic import.
 */
export function lazy<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
}
