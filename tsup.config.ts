import { readFile } from 'node:fs/promises'
import { defineConfig, type Options } from 'tsup'
import { directImports } from './tools/build/direct-imports.js'
import { ownCopyOfZod } from './tools/build/own-copy-of-zod.js'
import { distName, ENTRIES } from './tools/check/entries.js'

const entries = Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [distName(name), file]))

/** commander is CommonJS and requires modules of Node: code in an ES module gets them from the runtime. */
const nodeModulesForCommander: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'node-modules-for-commander',
  setup(build) {
    build.onLoad({ filter: /node_modules\/commander\/lib\/\w+\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(
        /\brequire\('(node:\w+)'\)/g,
        "globalThis.process.getBuiltinModule('$1')",
      ),
    }))
  },
}

export default defineConfig({
  entry: { ...entries, cli: 'src/cli/main.ts' },
  format: ['esm'],
  // tsup sets baseUrl for the d.ts build, which TypeScript 6 rejects (TS5101) without this. The command has no types.
  dts: { entry: entries, compilerOptions: { ignoreDeprecations: '6.0' } },
  target: 'node20',
  platform: 'neutral',
  // One copy of each module, whichever entries are loaded: an authorization is proven by its module's own state.
  splitting: true,
  esbuildPlugins: [directImports, ownCopyOfZod, nodeModulesForCommander],
  sourcemap: true,
  treeshake: true,
  clean: true,
  // `node:sqlite` has no name without its prefix.
  removeNodeProtocol: false,
  external: [
    /^node:/,
    'viem',
    'stripe',
    'light-bolt11-decoder',
    'undici',
    '@opentelemetry/api',
    '@photostructure/sqlite',
    'msw',
    'vitest',
    'yaml',
  ],
  noExternal: [
    'canonicalize',
    'p-retry',
    'is-network-error',
    /^@noble\/hashes/,
    'tldts',
    'tldts-core',
    'zod',
    'commander',
    /^@modelcontextprotocol\//,
  ],
})
