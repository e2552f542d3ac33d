import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** The package's entry points and their sources, as `tsconfig.json` maps them: what is built, and what may be imported. */
export const ENTRIES: Readonly<Record<string, string>> = readEntries()

/** `purser/wallet/tempo` is `wallet/tempo` in `dist`; `purser` is `index`. */
export function distName(entry: string): string {
  return entry.replace(/^purser\/?/, '') || 'index'
}

/** The entries as aliases for Vite: each name exactly, and not what merely begins with it. */
export function aliases(): { readonly find: RegExp; readonly replacement: string }[] {
  return Object.entries(ENTRIES).map(([name, file]) => ({
    find: new RegExp(`^${name}$`),
    replacement: join(ROOT, file),
  }))
}

/** The entry sources that exist, as absolute paths. */
export function entryFiles(): string[] {
  return Object.values(ENTRIES)
    .map((file) => join(ROOT, file))
    .filter((file) => existsSync(file))
}

function readEntries(): Record<string, string> {
  const config: { compilerOptions: { paths: Record<string, [string]> } } = JSON.parse(
    readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'),
  )
  return Object.fromEntries(
    Object.entries(config.compilerOptions.paths).map(([name, [file]]) => [name, file.replace(/^\.\//, '')]),
  )
}
