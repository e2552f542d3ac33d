type NoStore = Pick<RequestInit, 'cache'>

let known: NoStore | undefined

/**
 * Keeps a paid request out of caches, if `fetch` has such an option. Workers before November 2024 throw for the
 * option, and a credential would be signed without being sent.
 */
export function noStore(): NoStore {
  known ??= tried({ cache: 'no-store' })
  return known
}

function tried(init: NoStore): NoStore {
  try {
    return new Request('https://path.invalid/', init).cache === 'default' ? {} : init
  } catch {
    return {}
  }
}
