type NoStore = Pick<RequestInit, 'cache'>

let known: NoStore | undefined

/**
 * Keeps a paid request out of caches, where `fetch` can be told so. Workers of before November 2024 throw for the word: a
 * credential would be signed and then never leave.
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
