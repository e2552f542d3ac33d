/** Whether a value is an object: no array, and not null. Narrows `Json` to `JsonObject`. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
