/**
 * Returns a builtin module without importing it, because the core must load in every runtime. Node 20.16 and later,
 * Bun, Deno and Workers with `nodejs_compat` have such modules. Some edge runtimes have a `process` whose functions
 * throw when they are called.
 *
 * @returns Undefined if the runtime does not have the module.
 */
export function builtin(name: string): unknown {
  const process: { getBuiltinModule?: (name: string) => unknown } | undefined = globalThis.process
  try {
    return process?.getBuiltinModule?.(name)
  } catch {
    return undefined
  }
}
