/**
 * Something loaded once, when it is first needed, for all who need it. A load that failed is tried again.
 *
 * @param load A dynamic import.
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
