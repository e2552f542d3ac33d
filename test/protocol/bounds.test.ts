import { afterEach, describe, expect, it } from 'vitest'
import { parseChallenges } from '../../src/protocol/index.js'
import { encode, outcome, payment } from './headers.js'

const LIMIT = 256 * 1024

/** Text that fills a header with as much trouble as fits. */
const HOSTILE: readonly (readonly [string, string])[] = [
  ['commas', ','],
  ['spaces', ' '],
  ['quotes', '"'],
  ['backslashes in a quote', '\\'],
  ['half unicode escapes', '\\u20'],
  ['schemes', 'Payment '],
  ['challenges', 'Payment,'],
  ['parameters', 'a=b,'],
  ['equals signs', '='],
  ['token68 that never ends', 'Payment a='],
  ['names without values', 'a ,'],
  ['names and spaces', 'a  \t'],
  ['broken quotes', '"a"b,'],
  ['brackets', '{['],
]

const { charCodeAt, slice } = String.prototype
afterEach(() => {
  Object.assign(String.prototype, { charCodeAt, slice })
})

/** How many characters are looked at or copied while a header is read. */
function work(header: string): number {
  let touched = 0
  Object.assign(String.prototype, {
    charCodeAt(this: string, at: number) {
      touched += 1
      return charCodeAt.call(this, at)
    },
    slice(this: string, from: number, to?: number) {
      const part = slice.call(this, from, to)
      touched += part.length
      return part
    },
  })
  parseChallenges(header)
  Object.assign(String.prototype, { charCodeAt, slice })
  return touched
}

const fill = (unit: string, size: number, start: string): string =>
  (start + unit.repeat(Math.ceil(size / unit.length))).slice(0, size)

describe('the cost of a header is linear in its length', () => {
  it.each(
    HOSTILE.flatMap(([name, unit]) =>
      ['', 'Payment ', 'Payment id="', 'Basic realm='].map((start) => [name, start, unit] as const),
    ),
  )('%s after %j', (_, start, unit) => {
    const small = work(fill(unit, 8 * 1024, start))
    const large = work(fill(unit, 64 * 1024, start))
    expect(large).toBeGreaterThan(0)
    // Eight times the text is at most about eight times the work, and a handful of looks at each character.
    expect(large).toBeLessThan(small * 9 + 4096)
    expect(large).toBeLessThan(64 * 1024 * 12)
  })
})

describe('sizes', () => {
  it.each(HOSTILE)('a megabyte of %s is refused unread', (_, unit) => {
    const header = fill(unit, 1024 * 1024, 'Payment ')
    expect(work(header)).toBe(0)
    expect(outcome(header)).toEqual({ ids: [], codes: ['header_too_large'] })
  })

  it('counts all lines together', () => {
    const line = payment().padEnd(LIMIT / 4)
    expect(outcome([line, line, line, line]).ids).toHaveLength(4)
    expect(outcome([line, line, line, line, ' '])).toEqual({ ids: [], codes: ['header_too_large'] })
  })

  it('accepts a request of exactly 16 KiB', () => {
    const room = 12 * 1024 - '{"a":""}'.length
    const fits = encode({ a: 'x'.repeat(room) })
    expect(fits).toHaveLength(16 * 1024)
    expect(outcome(payment({ request: fits })).codes).toEqual([])
    expect(outcome(payment({ request: encode({ a: 'x'.repeat(room + 1) }) })).codes).toEqual([
      'param_too_large',
    ])
  })

  it('survives a request of brackets only', () => {
    expect(outcome(payment({ request: encode('['.repeat(12_000)) })).codes).toEqual(['bad_json'])
    const nested = `{"a":${'['.repeat(6000)}${']'.repeat(6000)}}`
    expect(outcome(payment({ request: encode(nested) })).codes).toEqual(['json_too_deep'])
  })
})
