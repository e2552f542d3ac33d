import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDateTime } from '../../src/protocol/index.js'

describe('a date-time', () => {
  it.each([
    ['2026-11-21T12:00:00Z', Date.UTC(2026, 10, 21, 12)],
    ['2026-11-21t12:00:00z', Date.UTC(2026, 10, 21, 12)],
    ['2026-11-21T12:00:00.5Z', Date.UTC(2026, 10, 21, 12, 0, 0, 500)],
    ['2026-11-21T12:00:00.123999999Z', Date.UTC(2026, 10, 21, 12, 0, 0, 123)],
    ['2026-11-21T12:00:00+05:30', Date.UTC(2026, 10, 21, 6, 30)],
    ['2026-11-21T12:00:00-08:00', Date.UTC(2026, 10, 21, 20)],
    ['2026-11-21T12:00:00-00:00', Date.UTC(2026, 10, 21, 12)],
    ['2026-12-31T23:59:60Z', Date.UTC(2027, 0, 1)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['0001-01-01T00:00:00Z', Date.parse('0001-01-01T00:00:00Z')],
  ])('%s', (text, instant) => {
    expect(parseDateTime(text)).toBe(instant)
  })

  it.each([
    [''],
    ['2026-11-21'],
    ['2026-11-21T12:00:00'],
    ['2026-11-21T12:00Z'],
    ['2026-11-21 12:00:00Z'],
    ['2026-11-21T12:00:00 Z'],
    ['2026-11-21T12:00:00.Z'],
    ['2026-11-21T12:00:00+0530'],
    ['2026-11-21T24:00:00Z'],
    ['2026-11-21T12:60:00Z'],
    ['2026-11-21T12:00:61Z'],
    ['2026-11-21T12:00:00+24:00'],
    ['2026-11-21T12:00:00+00:60'],
    ['2026-02-29T00:00:00Z'],
    ['2026-13-01T00:00:00Z'],
    ['2026-00-01T00:00:00Z'],
    ['2026-11-00T00:00:00Z'],
    ['12026-11-21T12:00:00Z'],
    ['-2026-11-21T12:00:00Z'],
    ['Sat, 21 Nov 2026 12:00:00 GMT'],
    ['\u0662026-11-21T12:00:00Z'],
    [`2026-11-21T12:00:00.${'0'.repeat(1000)}Z`],
    ['2026-11-21T12:00:00Z\n'],
  ])('none: %j', (text) => {
    expect(parseDateTime(text)).toBeUndefined()
  })

  it('equals the result of the platform for RFC 3339 date-times', () => {
    const date = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
    fc.assert(
      fc.property(date, (value) => {
        expect(parseDateTime(value.toISOString())).toBe(value.getTime())
      }),
    )
  })
})
