/** Its instances inherit nothing: what somebody adds to `Object.prototype` is no property of theirs. */
class Own {}
Object.setPrototypeOf(Own.prototype, null)
Object.freeze(Own.prototype)

/**
 * A copy of a record that inherits nothing. Every record with optional properties is made by this: a property that is
 * absent reads as `undefined`, whatever somebody's merge of JSON left on `Object.prototype`. As fast to read as any object.
 */
export function own<T extends object>(record: T): T {
  return Object.assign(new Own(), record)
}

/** A property that a record has itself; undefined for what it inherits. */
export function ownValue<T extends object, Name extends keyof T>(record: T, name: Name): T[Name] | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/**
 * Is it what plain objects inherit from: `Object.prototype`, of this realm or another one? Frames, `node:vm` and test runners
 * such as Jest make realms.
 */
export function isObjectPrototype(value: unknown): boolean {
  if (value === Object.prototype) return true
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== null) return false
  return Object.hasOwn(value, 'hasOwnProperty') && Object.hasOwn(value, 'isPrototypeOf')
}

/**
 * Gives a plain object of somebody else's the properties that it lacks, as undefined, so that it cannot inherit them. For
 * objects that must stay the ones they are. One of a class keeps what its class gives it.
 *
 * @throws TypeError if the object is frozen and inherits one of them from `Object.prototype`.
 */
export function completeOwn(record: object, names: readonly string[]): void {
  if (!isObjectPrototype(Object.getPrototypeOf(record))) return
  for (const name of names) {
    if (Object.hasOwn(record, name)) continue
    if (Object.isExtensible(record)) Object.defineProperty(record, name, ABSENT)
    else if (name in record) throw new TypeError(`Object.prototype has the property ${name}: remove it`)
  }
}

const ABSENT: PropertyDescriptor = Object.freeze(
  Object.assign(new Own(), { value: undefined, writable: true, enumerable: true, configurable: true }),
)

/** For listeners that hear one event. The runtime would read an inherited `signal` of the options, too. */
export const ONCE: { readonly once: true } = Object.freeze(own({ once: true } as const))
