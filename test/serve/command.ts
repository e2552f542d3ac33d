import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** The command of the package, as one file. */
export interface BuiltCommand {
  /** The file that the bin `purser` leads to. */
  readonly file: string
  /** Puts the bin where `npm install` puts it below this folder, and returns its path. */
  install(folder: string): string
  remove(): void
}

/** Builds `purser`. The file stands beside the packages of this repository, so that it can import them. */
export async function buildCommand(): Promise<BuiltCommand> {
  const repository = fileURLToPath(new URL('../..', import.meta.url))
  const cache = join(repository, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  const built = mkdtempSync(join(cache, 'command-'))
  const file = join(built, 'cli.mjs')
  await build({
    entryPoints: [join(repository, 'src', 'cli', 'main.ts')],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
  chmodSync(file, 0o755)
  return {
    file,
    install(folder) {
      const bin = join(folder, 'node_modules', '.bin')
      mkdirSync(bin, { recursive: true })
      symlinkSync(file, join(bin, 'purser'))
      return join(bin, 'purser')
    },
    remove: () => rmSync(built, { recursive: true }),
  }
}
