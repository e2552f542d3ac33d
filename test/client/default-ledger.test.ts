import { afterEach, expect, test, vi } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import * as withoutFiles from '../../src/entry/without-files.js'
import { createPurser, type PurserOptions } from '../../src/index.js'
import { TestClock } from '../ledger/fixtures.js'
import { fakeWallet, Rail } from '../pay/peers.js'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

const options = (): PurserOptions => ({
  wallets: [fakeWallet(new Rail(), new TestClock())],
  policy: {
    perPayment: '1',
    budgets: [{ limit: '5', per: 'day' }],
    vendors: [{ origin: 'https://shop.example' }],
  },
})

test.each([
  ['Workers with the words of Node', 'Cloudflare-Workers', createPurser],
  ['Workers', 'Cloudflare-Workers', withoutFiles.createPurser],
  ['Edge functions', 'Next.js Middleware', withoutFiles.createPurser],
  ['React Native, which has no such name', undefined, withoutFiles.createPurser],
])('%s must name their ledger before anything can be paid', async (_, userAgent, create) => {
  vi.stubGlobal('navigator', { userAgent })
  expect(() => create(options())).toThrow(TypeError)
  expect(() => create(options())).toThrow(/memoryLedger\(\)/)
  await create({ ...options(), ledger: memoryLedger() }).close()
})

test('a browser keeps its ledger in memory unless another is named', async () => {
  vi.stubGlobal('navigator', { userAgent: 'Mozilla/5.0' })
  await using purser = withoutFiles.createPurser(options())
  await purser.ready()
})

test('a runtime whose fetch does not know `cache` is not told about it', async () => {
  const { noStore } = await import('../../src/fetch/no-store.js')
  expect(noStore()).toEqual({ cache: 'no-store' })
  vi.resetModules()
  vi.stubGlobal(
    'Request',
    class {
      constructor(_url: string, init?: RequestInit) {
        if (init?.cache !== undefined) throw new TypeError('The cache field is not implemented')
      }
    },
  )
  const old = await import('../../src/fetch/no-store.js')
  expect(old.noStore()).toEqual({})
})

test('a runtime whose process throws at every call is only looked at', async () => {
  const thrown = () => {
    throw new TypeError('A Node.js API is used which is not supported in the Edge Runtime')
  }
  vi.stubGlobal('process', { env: {}, getBuiltinModule: thrown, cpuUsage: thrown })
  const { systemClock } = await import('../../src/ledger/clock.js')
  const { builtin, processorTime } = await import('../../src/client/runtime.js')
  expect(systemClock.booted?.()).toBeUndefined()
  expect(builtin('node:async_hooks')).toBeUndefined()
  expect(processorTime()).toBeGreaterThan(0)
})
