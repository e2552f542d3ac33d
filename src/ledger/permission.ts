/** What is used of Deno's permissions. */
interface DenoPermissions {
  querySync(query: { readonly name: 'sys'; readonly kind: string }): { readonly state: string }
}

/**
 * May this process ask the system for this? Always, except in Deno without `--allow-sys`: there the question itself would
 * stop the program at a prompt.
 *
 * @param kind - As Deno names it: `osUptime`, `statfs`.
 */
export function mayAskSystem(kind: string): boolean {
  const permissions = permissionsOfDeno()
  if (permissions === undefined) return true
  try {
    return permissions.querySync({ name: 'sys', kind }).state === 'granted'
  } catch {
    // A kind that this version of Deno does not know.
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
