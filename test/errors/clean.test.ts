import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clean } from '../../src/errors/index.js'

test.each([
  ['plain', 'Pay 0.10 USD', 'Pay 0.10 USD'],
  ['an escape sequence', 'pay\u001b[2J now', 'pay [2J now'],
  ['a bidirectional override', 'pay 01\u202e0', 'pay 01 0'],
  ['zero-width characters', 'a\u200bb\ufeffc', 'a b c'],
  ['line breaks', 'one\r\ntwo\u2028three\u0085four', 'one two three four'],
  ['a lone surrogate', 'a\ud800b', 'a b'],
  ['private use', 'a\ue000b', 'a b'],
  ['runs of space, also in front and behind', '  a \t\t b  ', 'a b'],
  ['nothing but controls', '\u0000\u0007', ''],
  ['emoji and letters of any script', 'café 支払い 🍵', 'café 支払い 🍵'],
])('cleans %s', (_what, text, cleaned) => {
  expect(clean(text)).toBe(cleaned)
})

test('cuts a text that is too long, and marks the cut', () => {
  expect(clean('abcdef', 5)).toBe('abcd…')
  expect(clean('abcde', 5)).toBe('abcde')
  expect(clean('x'.repeat(301))).toBe(`${'x'.repeat(299)}…`)
})

test('a cut never leaves half a character', () => {
  expect(clean('abc🍵🍵', 5)).toBe('abc…')
})

test('a text that was cut before cleaning always shows the mark', () => {
  expect(clean(`${'\u0000'.repeat(40)}the rest`, 10)).toBe('…')
})

/** Any code points, lone surrogates too, as one text. */
const texts = fc
  .array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 100 })
  .map((points) => String.fromCodePoint(...points))

test('any text of a server becomes one bounded, safe line, and cleaning it again changes nothing', () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 2, max: 60 }), (text, length) => {
      const cleaned = clean(text, length)
      expect(cleaned.length).toBeLessThanOrEqual(length)
      expect(cleaned).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]|\s{2}|^\s|[^\S ]/u)
      expect(clean(cleaned, length)).toBe(cleaned)
    }),
  )
})
