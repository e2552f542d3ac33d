/** The cache keeps at most this many values. The tables have all of them. */
const MOST = 10_000

/** Caches values that stay valid until another process writes. Call {@link clear} after such a write. */
export class BoundedCache<V, K = string> {
  readonly #most: number
  readonly #values = new Map<K, { readonly value: V }>()

  constructor(most: number = MOST) {
    this.#most = most
  }

  /** Returns the value of this name, and loads it if the cache does not have it. */
  getOrLoad(name: K, load: () => V): V {
    const known = this.#values.get(name)
    if (known !== undefined) return known.value
    const value = load()
    this.set(name, value)
    return value
  }

  get(name: K): V | undefined {
    return this.#values.get(name)?.value
  }

  set(name: K, value: V): void {
    if (this.#values.size >= this.#most) this.#dropOldest()
    this.#values.set(name, { value })
  }

  delete(name: K): void {
    this.#values.delete(name)
  }

  #dropOldest(): void {
    for (const name of this.#values.keys()) {
      this.#values.delete(name)
      return
    }
  }

  clear(): void {
    this.#values.clear()
  }
}
