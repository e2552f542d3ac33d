const OTHERS = 0o077

/** Whether other users of this machine can read or change a file of this mode. Windows has no such modes. */
export function othersMayUse({ mode }: { readonly mode: number }): boolean {
  return process.platform !== 'win32' && (mode & OTHERS) !== 0
}
