/**
 * Removes the texts of other packages from the source maps of `dist`, because they are a third of the package and nobody debugs
 * Purser in them. The names of their files stay. Run it after the build.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './check/entries.js'

interface SourceMap {
  readonly sources: readonly string[]
  readonly sourcesContent?: readonly (string | null)[]
}

const dist = join(ROOT, 'dist')
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.js.map')) continue
  const map: SourceMap = JSON.parse(readFileSync(join(dist, name), 'utf8'))
  const sourcesContent = map.sourcesContent?.map((text, at) =>
    map.sources[at]?.includes('node_modules/') === true ? null : text,
  )
  writeFileSync(join(dist, name), JSON.stringify({ ...map, sourcesContent }))
}
