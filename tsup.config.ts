import { readFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { defineConfig, type Options } from 'tsup'
import { directImports } from './tools/build/direct-imports.js'
import { ownCopyOfZod } from './tools/build/own-copy-of-zod.js'
import { distName, ENTRIES, ROOT } from './tools/check/entries.js'

const entries = Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [distName(name), file]))

/** commander and cross-spawn are CommonJS and require modules of Node: code in an ES module gets them from the runtime. */
const nodeModulesForCommonJs: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'node-modules-for-common-js',
  setup(build) {
    // It has no entry for a neutral platform.
    build.onResolve({ filter: /^pkce-challenge$/ }, () => ({
      path: join(ROOT, 'node_modules/pkce-challenge/dist/index.node.js'),
    }))
    const filter =
      /node_modules\/(?:@colors\/colors|commander|cross-spawn|isexe|path-key|shebang-command|which)\/.*\.js$/
    build.onLoad({ filter }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(/\brequire\('((?:node:)?(\w+))'\)/g, (text, name) =>
        builtinModules.includes(name.replace('node:', ''))
          ? `globalThis.process.getBuiltinModule('${name}')`
          : text,
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
  esbuildPlugins: [directImports, ownCopyOfZod, nodeModulesForCommonJs],
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
    '@simplewebauthn/server',
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
    'cli-table3',
    'string-width',
    'strip-ansi',
    'ansi-regex',
    'is-fullwidth-code-point',
    'emoji-regex',
    '@colors/colors',
    '@clack/prompts',
    '@clack/core',
    'sisteransi',
    '@bomb.sh/tab',
    'csv-stringify',
    /^@modelcontextprotocol\//,
  ],
})
