import { afterEach, describe, expect, it, vi } from 'vitest'
import { timeOrderedId } from '../../src/client/open.js'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { randomId } from '../../src/util/random-id.js'

afterEach(() => vi.unstubAllGlobals())

const { crypto: own } = globalThis

describe.each([
  ['all of crypto', own],
  ['getRandomValues alone', { getRandomValues: own.getRandomValues.bind(own) }],
])('a runtime with %s', (_, crypto) => {
  it('makes ids that are UUIDs of version 7, in the order of their time, and never the same', () => {
    vi.stubGlobal('crypto', crypto)
    const ids = Array.from({ length: 500 }, (_, index) => timeOrderedId(1_795_000_000_000 + index * 7))
    expect(new Set(ids).size).toBe(ids.length)
    expect([...ids].sort()).toEqual(ids)
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(ids[0]?.replace('-', '').slice(0, 12)).toBe((1_795_000_000_000).toString(16).padStart(12, '0'))
    expect(new Set(Array.from({ length: 100 }, () => timeOrderedId(5))).size).toBe(100)
  })

  it('makes random ids that are UUIDs of version 4, with each variant', () => {
    vi.stubGlobal('crypto', crypto)
    const ids = Array.from({ length: 500 }, randomId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(ids.map((id) => id.charAt(19))).size).toBe(4)
  })
})

it('a runtime without crypto says what is missing', () => {
  vi.stubGlobal('crypto', undefined)
  expect(() => memoryLedger()).toThrow(/crypto\.getRandomValues.*Import a package/)
})
