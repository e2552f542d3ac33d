import { readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { Plugin } from 'esbuild'

/**
 * Replaces imports of an `index.ts` by imports of the files that the index names. esbuild puts all files of an index into one
 * chunk, so the core would contain the code that only the engine needs. An `index.ts` of `src` contains only re-exports
 * (`npm run check:imports`), so the result is the same program.
 */
export const directImports: Plugin = {
  name: 'direct-imports',
  setup({ onLoad }) {
    const indexes = new Map<string, Promise<Index>>()
    onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => ({
      contents: await direct(path, indexes),
      loader: 'ts',
    }))
  },
}

/** The exported names of an index: in which file, and under which name there. */
type Index = ReadonlyMap<string, { readonly file: string; readonly name: string }>

const INDEX_IMPORT = /^(import|export) \{([^}]*)\} from '(\.{1,2}\/(?:[^']*\/)?index\.js)'$/gm
const RE_EXPORT = /^export (?:type )?\{([^}]*)\} from '(\.[^']*)'$/gm
const EXPORT_ALL = /^export \* from '(\.[^']*)'$/gm

async function direct(path: string, indexes: Map<string, Promise<Index>>): Promise<string> {
  const text = await readFile(path, 'utf8')
  const found = [...text.matchAll(INDEX_IMPORT)]
  let result = text
  for (const [statement, keyword = '', names = '', from = ''] of found) {
    const index = await indexAt(resolve(dirname(path), from), indexes)
    const statements = valuesOf(names).map(({ name, as }) => {
      const target = index.get(name)
      if (target === undefined) throw new TypeError(`${from} has no ${name}, which ${path} needs`)
      const file = relative(dirname(path), target.file)
      return `${keyword} { ${target.name} as ${as} } from '${file.startsWith('.') ? file : `./${file}`}'`
    })
    result = result.replace(statement, statements.join('; ') || ';')
  }
  return result
}

function indexAt(path: string, indexes: Map<string, Promise<Index>>): Promise<Index> {
  const known = indexes.get(path) ?? readIndex(path, indexes)
  indexes.set(path, known)
  return known
}

async function readIndex(path: string, indexes: Map<string, Promise<Index>>): Promise<Index> {
  const text = await readFile(path.replace(/\.js$/, '.ts'), 'utf8')
  const entries: [string, { readonly file: string; readonly name: string }][] = []
  // A file that exports all names of another one, as `src/index.ts` does, is an index of these too.
  for (const [, from = ''] of text.matchAll(EXPORT_ALL))
    entries.push(...(await indexAt(join(dirname(path), from), indexes)))
  for (const [, names = '', from = ''] of text.matchAll(RE_EXPORT)) {
    const file = join(dirname(path), from)
    const inner = file.endsWith('/index.js') ? await indexAt(file, indexes) : undefined
    for (const { name, as } of valuesOf(names)) entries.push([as, inner?.get(name) ?? { file, name }])
  }
  return new Map(entries)
}

/** The names of values in `a, type B, c as d`. Types leave no code. */
function valuesOf(names: string): readonly { readonly name: string; readonly as: string }[] {
  return names
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '' && !each.startsWith('type '))
    .map((each) => {
      const [name = each, as = name] = each.split(' as ')
      return { name, as }
    })
}
