/** More than this are not kept: the tables know them all. */
const MOST = 10_000

/** Values that were read once and stay true for as long as nobody else writes; {@link clear} when somebody has. */
export class BoundedCache<V, K = string> {
  readonly #most: number
  readonly #values = new Map<K, { readonly value: V }>()

  constructor(most: number = MOST) {
    this.#most = most
  }

  /** The value of that name, loaded if it is not there. */
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
