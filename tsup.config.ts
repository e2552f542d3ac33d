import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    auto: 'src/entry/auto.ts',
    'ledger/memory': 'src/entry/ledger-memory.ts',
    'ledger/sqlite': 'src/entry/ledger-sqlite.ts',
    policy: 'src/entry/policy.ts',
    protocol: 'src/entry/protocol.ts',
    undici: 'src/entry/undici.ts',
    'wallet/tempo': 'src/entry/wallet-tempo.ts',
  },
  format: ['esm'],
  // tsup sets baseUrl for the d.ts build, which TypeScript 6 rejects (TS5101) without this.
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
  target: 'node20',
  platform: 'neutral',
  // One copy of each module, whichever entries are loaded: an authorization is proven by its module's own state.
  splitting: true,
  sourcemap: true,
  treeshake: true,
  clean: true,
  // `node:sqlite` has no name without its prefix.
  removeNodeProtocol: false,
  external: [/^node:/, 'viem', 'undici', '@opentelemetry/api', '@photostructure/sqlite', 'yaml'],
  noExternal: [
    'canonicalize',
    'p-retry',
    'is-network-error',
    'zod',
    /^@noble\/hashes/,
    'tldts',
    'tldts-core',
  ],
})
