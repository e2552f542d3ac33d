/**
 * Gives an object a `toJSON` that writes its bigints as decimal texts, since `JSON.stringify` throws at a bigint. It is not
 * enumerable, so that copies, comparisons and logs do not see it.
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
