import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Plugin } from 'esbuild'

const COPY = '?for-the-command'
const USES_ALL_OF_ZOD = /\/src\/serve\/|\/node_modules\/@modelcontextprotocol\//

/**
 * Gives the command a copy of zod of its own. The SDK of MCP uses all of zod. esbuild writes a module that several entries use
 * once, with all that any of them uses, so every wallet would load all of zod too.
 */
export const ownCopyOfZod: Plugin = {
  name: 'own-copy-of-zod',
  setup(build) {
    build.onResolve(
      { filter: /^(?:zod(?:\/|$)|\.)/ },
      async ({ path, importer, resolveDir, kind, pluginData }) => {
        const inCopy = pluginData === COPY
        if (
          pluginData === 'as usual' ||
          !(inCopy || (path.startsWith('zod') && USES_ALL_OF_ZOD.test(importer)))
        )
          return undefined
        const found = await build.resolve(path, { importer, resolveDir, kind, pluginData: 'as usual' })
        return {
          path: found.path,
          suffix: COPY,
          pluginData: COPY,
          sideEffects: found.sideEffects,
          errors: found.errors,
        }
      },
    )
    build.onLoad({ filter: /\/node_modules\/zod\// }, async ({ path, suffix }) =>
      suffix === COPY
        ? {
            contents: await readFile(path, 'utf8'),
            resolveDir: dirname(path),
            loader: 'js',
            pluginData: COPY,
          }
        : undefined,
    )
  },
}
