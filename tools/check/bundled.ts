import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './entries.js'

/** A package whose code is in `dist`. */
export interface BundledPackage {
  readonly name: string
  /** The version, if another package had bundled its own copy. Otherwise it is the one in `node_modules`. */
  readonly version?: string | undefined
  /** Its folder in `node_modules`. */
  readonly folder: string
}

/** Parts of a package that it bundled and that nobody can install: their code counts as that package's. */
const PARTS: Readonly<Record<string, string>> = {
  '@modelcontextprotocol/core-internal': '@modelcontextprotocol/server',
}

/** The packages whose code is in `dist`, by the source maps, in the order of their names. */
export function bundledPackages(): readonly BundledPackage[] {
  const dist = join(ROOT, 'dist')
  const maps = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.js.map'),
  )
  const found = new Map<string, BundledPackage>()
  for (const map of maps) {
    const { sources }: { readonly sources: readonly string[] } = JSON.parse(
      readFileSync(join(dist, map), 'utf8'),
    )
    for (const source of sources) {
      const [, path = '', given] =
        /(node_modules\/(?:.*node_modules\/)?((?:@[\w.-]+\/)?[\w.-]+))\//.exec(source) ?? []
      if (given === undefined) continue
      const name = PARTS[given] ?? given
      // `.pnpm/ajv@8.18.0/node_modules/ajv/`: where the package that bundled it had it.
      const version = /\.pnpm\/(?:@[\w.-]+\+)?[\w.-]+@(\d[\w.-]*?)(?:_[^/]*)?\/node_modules\//.exec(
        source,
      )?.[1]
      const folder = version === undefined && name === given ? path : `node_modules/${name}`
      found.set(`${folder}@${version}`, { name, version, folder })
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
