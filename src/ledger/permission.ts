/** The part of Deno's permissions that Purser uses. */
interface DenoPermissions {
  querySync(query: { readonly name: 'sys'; readonly kind: string }): { readonly state: string }
}

/**
 * Returns whether this process may ask the system for this value. It is always true, except in Deno without
 * `--allow-sys`. There, the request itself would stop the program at a prompt.
 *
 * @param kind - The name that Deno uses: `osUptime`, `statfs`.
 */
export function mayAskSystem(kind: string): boolean {
  const permissions = permissionsOfDeno()
  if (permissions === undefined) return true
  try {
    return permissions.querySync({ name: 'sys', kind }).state === 'granted'
  } catch {
    // This version of Deno does not know this kind.
    return false
  }
}

function permissionsOfDeno(): DenoPermissions | undefined {
  const deno: unknown = Reflect.get(globalThis, 'Deno')
  const permissions: unknown = deno === undefined ? undefined : Reflect.get(Object(deno), 'permissions')
  return isPermissions(permissions) ? permissions : undefined
}

function isPermissions(value: unknown): value is DenoPermissions {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'querySync') === 'function'
}
