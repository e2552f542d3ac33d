import { expect, it } from 'vitest'
import { timeOrderedId } from '../../src/client/open.js'

it('makes ids that are UUIDs of version 7, in the order of their time, and never the same', () => {
  const ids = Array.from({ length: 500 }, (_, index) => timeOrderedId(1_795_000_000_000 + index * 7))
  expect(new Set(ids).size).toBe(ids.length)
  expect([...ids].sort()).toEqual(ids)
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(ids[0]?.replace('-', '').slice(0, 12)).toBe((1_795_000_000_000).toString(16).padStart(12, '0'))
  expect(new Set(Array.from({ length: 100 }, () => timeOrderedId(5))).size).toBe(100)
})
