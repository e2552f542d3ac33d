import { describe, expect, it } from 'vitest'
import { windowOf } from '../../src/policy/window-of.js'
import {
  CALENDAR as ALL_CALENDAR,
  type Calendar,
  calendarWindow,
  durationText,
  rollingWindow,
  WEEKDAYS,
  type Weekday,
} from '../../src/policy/windows.js'
import { isZone } from '../../src/policy/zones.js'

const at = (iso: string): number => Date.parse(iso)
const iso = (instant: number | undefined): string =>
  new Date(instant ?? Number.NaN).toISOString().slice(0, 19)

function window(per: Calendar, zone: string, now: string, weekStart: Weekday = 'monday'): [string, string] {
  const { from, at: bucket, resetsAt } = calendarWindow(per, zone, weekStart).span(at(now))
  expect(bucket).toBe(from)
  return [iso(from), iso(resetsAt)]
}

// Facts of the calendar: [window, zone, now] and where the window begins and ends, all in UTC.
const CALENDAR: readonly (readonly [string, Calendar, string, string, [string, string]])[] = [
  [
    'a minute',
    'minute',
    'Asia/Kolkata',
    '2026-01-01T10:15:31Z',
    ['2026-01-01T10:15:00', '2026-01-01T10:16:00'],
  ],
  [
    'an hour goes by the instant',
    'hour',
    'Asia/Kolkata',
    '2026-01-01T10:15:31Z',
    ['2026-01-01T10:00:00', '2026-01-01T11:00:00'],
  ],
  ['a day in UTC', 'day', 'UTC', '2026-07-15T23:59:59.999Z', ['2026-07-15T00:00:00', '2026-07-16T00:00:00']],
  [
    'a winter day in Berlin',
    'day',
    'Europe/Berlin',
    '2026-01-14T23:00:00Z',
    ['2026-01-14T23:00:00', '2026-01-15T23:00:00'],
  ],
  [
    'a summer day in Berlin',
    'day',
    'Europe/Berlin',
    '2026-07-14T21:59:59Z',
    ['2026-07-13T22:00:00', '2026-07-14T22:00:00'],
  ],
  [
    '23 hours in Berlin',
    'day',
    'Europe/Berlin',
    '2026-03-29T12:00:00Z',
    ['2026-03-28T23:00:00', '2026-03-29T22:00:00'],
  ],
  [
    '25 hours in Berlin',
    'day',
    'Europe/Berlin',
    '2026-10-25T00:30:00Z',
    ['2026-10-24T22:00:00', '2026-10-25T23:00:00'],
  ],
  [
    'half hours in Kolkata',
    'day',
    'Asia/Kolkata',
    '2026-05-01T18:29:59Z',
    ['2026-04-30T18:30:00', '2026-05-01T18:30:00'],
  ],
  [
    'three quarters in Kathmandu',
    'day',
    'Asia/Kathmandu',
    '2026-05-01T18:15:00Z',
    ['2026-05-01T18:15:00', '2026-05-02T18:15:00'],
  ],
  // Clocks went from 00:00 to 01:00 on 2018-11-04, and from 00:00 back to 23:00 on 2018-02-18.
  [
    'no midnight in Sao Paulo',
    'day',
    'America/Sao_Paulo',
    '2018-11-04T12:00:00Z',
    ['2018-11-04T03:00:00', '2018-11-05T02:00:00'],
  ],
  [
    'the evening before it',
    'day',
    'America/Sao_Paulo',
    '2018-11-04T02:59:59Z',
    ['2018-11-03T03:00:00', '2018-11-04T03:00:00'],
  ],
  [
    'two evenings in Sao Paulo',
    'day',
    'America/Sao_Paulo',
    '2018-02-18T02:30:00Z',
    ['2018-02-17T02:00:00', '2018-02-18T03:00:00'],
  ],
  [
    'Sao Paulo without daylight saving',
    'day',
    'America/Sao_Paulo',
    '2026-11-04T12:00:00Z',
    ['2026-11-04T03:00:00', '2026-11-05T03:00:00'],
  ],
  // Samoa skipped 2011-12-30 when it moved over the date line.
  [
    'the last day before the skip in Apia',
    'day',
    'Pacific/Apia',
    '2011-12-30T09:59:59Z',
    ['2011-12-29T10:00:00', '2011-12-30T10:00:00'],
  ],
  [
    'the day after the skip in Apia',
    'day',
    'Pacific/Apia',
    '2011-12-30T10:00:00Z',
    ['2011-12-30T10:00:00', '2011-12-31T10:00:00'],
  ],
  [
    'a month with a skipped day',
    'month',
    'Pacific/Apia',
    '2011-12-15T00:00:00Z',
    ['2011-12-01T10:00:00', '2011-12-31T10:00:00'],
  ],
  [
    'furthest east',
    'day',
    'Pacific/Kiritimati',
    '2026-06-01T09:59:59Z',
    ['2026-05-31T10:00:00', '2026-06-01T10:00:00'],
  ],
  [
    'furthest west',
    'day',
    'Etc/GMT+12',
    '2026-06-01T11:59:59Z',
    ['2026-05-31T12:00:00', '2026-06-01T12:00:00'],
  ],
  [
    'half an hour of daylight saving',
    'day',
    'Australia/Lord_Howe',
    '2026-04-04T20:00:00Z',
    ['2026-04-04T13:00:00', '2026-04-05T13:30:00'],
  ],
  [
    'a week from Monday',
    'week',
    'UTC',
    '2026-07-15T12:00:00Z',
    ['2026-07-13T00:00:00', '2026-07-20T00:00:00'],
  ],
  [
    'a week over a clock change',
    'week',
    'Europe/Berlin',
    '2026-03-25T12:00:00Z',
    ['2026-03-22T23:00:00', '2026-03-29T22:00:00'],
  ],
  [
    'the end of January',
    'month',
    'UTC',
    '2026-01-31T23:59:59Z',
    ['2026-01-01T00:00:00', '2026-02-01T00:00:00'],
  ],
  ['February', 'month', 'UTC', '2026-02-28T12:00:00Z', ['2026-02-01T00:00:00', '2026-03-01T00:00:00']],
  [
    'February of a leap year',
    'month',
    'UTC',
    '2028-02-29T12:00:00Z',
    ['2028-02-01T00:00:00', '2028-03-01T00:00:00'],
  ],
  [
    'December',
    'month',
    'Europe/Berlin',
    '2026-12-31T22:59:59Z',
    ['2026-11-30T23:00:00', '2026-12-31T23:00:00'],
  ],
  ['a year', 'year', 'Europe/Berlin', '2026-12-31T23:00:00Z', ['2026-12-31T23:00:00', '2027-12-31T23:00:00']],
  [
    'a leap day',
    'day',
    'Asia/Kolkata',
    '2028-02-29T12:00:00Z',
    ['2028-02-28T18:30:00', '2028-02-29T18:30:00'],
  ],
  [
    'no leap day in 2100',
    'month',
    'UTC',
    '2100-02-28T23:59:59Z',
    ['2100-02-01T00:00:00', '2100-03-01T00:00:00'],
  ],
]

describe('calendar windows', () => {
  it.each(CALENDAR)('%s', (_name, per, zone, now, expected) => {
    expect(window(per, zone, now)).toEqual(expected)
  })

  it.each(WEEKDAYS.map((day, index) => [day, index] as const))('a week can start on %s', (day, index) => {
    // 2026-07-12 was a Sunday.
    const [from, end] = window('week', 'UTC', '2026-07-18T23:59:59Z', day)
    expect(from).toBe(`2026-07-${12 + index}T00:00:00`)
    expect(at(`${end}Z`) - at(`${from}Z`)).toBe(7 * 86_400_000)
  })

  it('ever, and the life of a task, never reset', () => {
    for (const per of ['ever', 'task'] as const)
      expect(calendarWindow(per, 'UTC', 'monday')).toMatchObject({ key: 'ever' })
    expect(calendarWindow('ever', 'UTC', 'monday').span(at('2026-01-01T00:00:00Z'))).toEqual({
      from: 0,
      at: 0,
    })
  })

  it('have one name for one window', () => {
    const key = (per: Calendar, zone: string, start: Weekday = 'monday') =>
      calendarWindow(per, zone, start).key
    expect(key('day', 'Europe/Berlin')).toBe('day@Europe/Berlin')
    expect(key('day', 'Europe/Berlin', 'sunday')).toBe('day@Europe/Berlin')
    expect(key('week', 'UTC', 'sunday')).toBe('week.sunday@UTC')
    expect(key('minute', 'UTC')).toBe(key('minute', 'Asia/Kolkata'))
  })

  // Newfoundland changed its clocks at one minute past midnight, so one date was shown twice with another between.
  it.each([
    ['America/St_Johns', '2010-11-06T00:00:00Z', 3],
    ['Pacific/Apia', '2011-12-28T00:00:00Z', 5],
    ['America/Sao_Paulo', '2018-02-16T00:00:00Z', 4],
    ['Europe/Berlin', '2026-10-24T00:00:00Z', 3],
  ])('have no gaps and no overlaps: %s', (zone, start, days) => {
    const day = calendarWindow('day', zone, 'monday')
    let end = day.span(at(start)).resetsAt
    for (let now = at(start); now < at(start) + days * 86_400_000; now += 30_000) {
      const span = day.span(now)
      // A fresh window remembers nothing, and must say the same.
      if (now % 3_600_000 === 0) expect(calendarWindow('day', zone, 'monday').span(now)).toEqual(span)
      if (span.resetsAt !== end) expect(span.from).toBe(end)
      expect(now >= span.from && now < (span.resetsAt ?? 0)).toBe(true)
      end = span.resetsAt
    }
  })
})

describe('rolling windows', () => {
  it('are sixty buckets', () => {
    const hour = rollingWindow(3_600_000)
    expect(hour.key).toBe('1h~')
    const now = at('2026-01-01T10:15:31Z')
    expect(hour.span(now)).toEqual({ from: at('2026-01-01T09:15:00Z'), at: at('2026-01-01T10:15:00Z') })
  })

  it('have one name for one length', () => {
    expect([86_400_000, 2_592_000_000, 5_400_000, 60_000, 1000].map(durationText)).toEqual([
      '1d',
      '30d',
      '90m',
      '1m',
      '1s',
    ])
  })
})

it('every window is found by its key', () => {
  const now = at('2026-03-29T00:30:00Z')
  const zones = ['UTC', 'Europe/Berlin', 'Etc/GMT+12']
  const windows = [
    ...ALL_CALENDAR.flatMap((per) => zones.map((zone) => calendarWindow(per, zone, 'monday'))),
    ...WEEKDAYS.map((day) => calendarWindow('week', 'America/New_York', day)),
    ...[60_000, 5_400_000, 2_592_000_000].map(rollingWindow),
  ]
  for (const { key, span } of windows) expect([key, windowOf(key)?.span(now)]).toEqual([key, span(now)])
  for (const key of ['', 'fortnight@UTC', 'day@Mars/Olympus', 'week.someday@UTC', '30x~'])
    expect(windowOf(key)).toBeUndefined()
})

describe('zones', () => {
  it.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+12'])('knows %s', (zone) => {
    expect(isZone(zone)).toBe(true)
  })
  it.each(['', 'Mars/Olympus', '+02:00', '../etc', 'Europe/Berlin '])('refuses %j', (zone) => {
    expect(isZone(zone)).toBe(false)
  })
})
