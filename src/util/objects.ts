/** Tells whether a value is an object: not an array, and not null. Narrows `Json` to `JsonObject`. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Tells whether a value is a list. Narrows `Json` to a list of `Json`. */
export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

/** Instances inherit nothing, so properties that other code adds to `Object.prototype` are not visible on them. */
class Own {}
Object.setPrototypeOf(Own.prototype, null)
Object.freeze(Own.prototype)

/**
 * Copies a record into an object that inherits nothing. All records with optional properties are made by this function:
 * an absent property reads as `undefined`, even if a JSON merge elsewhere has polluted `Object.prototype`. The copy is
 * as fast to read as any object.
 */
export function own<T extends object>(record: T): T {
  return Object.assign(new Own(), record)
}

/** A record without its undefined properties: a property that may be undefined is optional. */
export type Defined<T extends object> = {
  [Name in keyof T as undefined extends T[Name] ? never : Name]: T[Name]
} & { [Name in keyof T as undefined extends T[Name] ? Name : never]?: Exclude<T[Name], undefined> }

/** Copies a record as {@link own} does, without its undefined properties. */
export function defined<T extends object>(record: T): Defined<T> {
  const copy = Object.create(Own.prototype)
  for (const [name, value] of Object.entries(record)) if (value !== undefined) copy[name] = value
  return copy
}

/** Returns a property that the record has itself; undefined if the property is inherited. */
export function ownValue<T extends object, Name extends keyof T>(record: T, name: Name): T[Name] | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/**
 * Tells whether a value is `Object.prototype`, of this realm or another one. Frames, `node:vm` and test runners such as
 * Jest create realms.
 */
export function isObjectPrototype(value: unknown): boolean {
  if (value === Object.prototype) return true
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== null) return false
  return Object.hasOwn(value, 'hasOwnProperty') && Object.hasOwn(value, 'isPrototypeOf')
}

/**
 * Defines the missing properties of a plain object as undefined, so that the object cannot inherit them. Use it if the
 * object must keep its identity; otherwise use {@link own}. Instances of a class are left unchanged.
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

/**
 * Options for listeners that hear one event. They inherit nothing, because the runtime would also read an inherited
 * `signal`.
 */
export const ONCE: { readonly once: true } = Object.freeze(own({ once: true } as const))
