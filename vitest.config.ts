import { defineConfig } from 'vitest/config'
import { aliases } from './tools/check/entries.js'

/** Tests that start chains, servers or processes of their own, and wait for them. */
const live = [
  'test/{live,safety,crash}/**/*.test.ts',
  'test/**/*.live.test.ts',
  'test/session/fixtures*.test.ts',
]

export default defineConfig({
  // The package's own name is its sources: nothing needs to be built first.
  resolve: { alias: aliases() },
  test: {
    // Chains and SQLite writers share the machine with the tests: more workers only make them wait for each other.
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { lines: 80, functions: 80, branches: 70, statements: 80 },
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: [...live, 'test/browser/**'],
          testTimeout: 15_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'live',
          include: live,
          pool: 'forks',
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
