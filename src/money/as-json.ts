/**
 * Adds a `toJSON` that writes bigints as decimal text, because `JSON.stringify` throws for a bigint. The method is not
 * enumerable, so copies, comparisons and logs do not see it.
 *
 * @returns The same object.
 */
export function asJson<T extends object>(object: T): T {
  return Object.defineProperty(object, 'toJSON', TO_JSON)
}

const TO_JSON: PropertyDescriptor = {
  value(this: object): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(this).map(([name, value]) => [
        name,
        typeof value === 'bigint' ? value.toString() : value,
      ]),
    )
  },
}
