import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './entries.js'

/** The packages whose code is in `dist`, by the source maps, in the order of their names. */
export function bundledPackages(): readonly string[] {
  const dist = join(ROOT, 'dist')
  const maps = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.js.map'),
  )
  const names = maps.flatMap((name) =>
    [...readFileSync(join(dist, name), 'utf8').matchAll(/node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//g)].map(
      (match) => match[1] ?? '',
    ),
  )
  return [...new Set(names)].sort()
}
