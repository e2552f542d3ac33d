/**
 * A builtin module, if the runtime has it (Node ≥ 20.16, Bun, Deno, Workers with `nodejs_compat`), without importing it:
 * the core must load anywhere. Edge runtimes have a `process` whose functions throw when they are called.
 */
export function builtin(name: string): unknown {
  const process: { getBuiltinModule?: (name: string) => unknown } | undefined = globalThis.process
  try {
    return process?.getBuiltinModule?.(name)
  } catch {
    return undefined
  }
}
