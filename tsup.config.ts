import { defineConfig } from 'tsup'
import { directImports } from './tools/build/direct-imports.js'
import { distName, ENTRIES } from './tools/check/entries.js'

export default defineConfig({
  entry: Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [distName(name), file])),
  format: ['esm'],
  // tsup sets baseUrl for the d.ts build, which TypeScript 6 rejects (TS5101) without this.
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
  target: 'node20',
  platform: 'neutral',
  // One copy of each module, whichever entries are loaded: an authorization is proven by its module's own state.
  splitting: true,
  esbuildPlugins: [directImports],
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
  ],
})
