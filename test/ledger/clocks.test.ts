import { describe, expect, it, test } from 'vitest'
import {
  type ClockFinding,
  type ClockReadings,
  judgeClocks,
  NO_RECORD,
  reachOf,
  withUnseen,
} from '../../src/ledger/clock-jumps.js'
import { durationText } from '../../src/ledger/duration-text.js'
import { DAY, START } from './fixtures.js'

const HOUR = DAY / 24
const steady: ClockReadings = {
  wall: START,
  expected: START,
  booted: START,
  high: START,
  lag: 0,
  opening: false,
  witnesses: 0,
}

/** The table of docs/ledger.md: a situation, what each clock shows, and what became of the wall clock. */
const TABLE: readonly (readonly [situation: string, shows: Partial<ClockReadings>, finding: ClockFinding])[] =
  [
    ['time passes', {}, 'steady'],
    ['the wall clock is corrected by five minutes', { wall: START + 300_000 }, 'steady'],
    ['it is corrected backwards by five minutes', { wall: START - 300_000 }, 'steady'],
    [
      'the host sleeps for five minutes and a bit',
      { wall: START + 300_001, booted: START + 300_001 },
      'slept',
    ],
    ['the host sleeps for a week', { wall: START + 7 * DAY, booted: START + 7 * DAY }, 'slept'],
    [
      'it sleeps in a browser, where nothing counts sleep',
      { wall: START + DAY, booted: undefined },
      'unvouched',
    ],
    ['the clock is set forward', { wall: START + DAY }, 'ahead'],
    ['it is set forward while the host sleeps', { wall: START + DAY, booted: START + HOUR }, 'ahead'],
    ['it is set forward, and one server says so too', { wall: START + DAY, witnesses: 1 }, 'unvouched'],
    [
      'a virtual machine was suspended, and two servers agree',
      { wall: START + DAY, witnesses: 2 },
      'vouched',
    ],
    ['the clock is set back', { wall: START - DAY }, 'behind'],
    ['it is set back, and every server agrees', { wall: START - DAY, witnesses: 9 }, 'behind'],
    [
      'another process accepted a jump and wrote it down',
      { wall: START + DAY, high: START + DAY, booted: START },
      'steady',
    ],
    ['another process is ahead of this clock', { high: START + DAY }, 'behind'],
    ['a person accepted that the clock is behind', { high: START + DAY, lag: DAY }, 'steady'],
    ['a process starts again at once', { opening: true }, 'steady'],
    [
      'a process starts after a weekend, the host was up',
      { opening: true, wall: START + 3 * DAY, booted: START + 3 * DAY },
      'slept',
    ],
    ['host and process start after a weekend', { opening: true, wall: START + 3 * DAY }, 'ahead'],
    [
      'the same, and the first server agrees',
      { opening: true, wall: START + 3 * DAY, witnesses: 1 },
      'unvouched',
    ],
    [
      'the same, and a server and a chain agree',
      { opening: true, wall: START + 3 * DAY, witnesses: 2 },
      'vouched',
    ],
    [
      'a runtime without that clock starts after a weekend',
      { opening: true, wall: START + 3 * DAY, booted: undefined },
      'ahead',
    ],
    [
      'a process starts with a clock that is years behind',
      { opening: true, wall: START - 700 * DAY },
      'behind',
    ],
  ]

test.each(TABLE)('%s', (_, shows, finding) => {
  expect(judgeClocks({ ...steady, ...shows })).toBe(finding)
})

describe('a window that the clock alone opened', () => {
  const monday = START
  const friday = { from: monday - 64 * HOUR, to: monday - 3 * HOUR }
  const day = (from: number) => ({ from, at: from, resetsAt: from + DAY })

  it('begins where it would if everything had been seen', () => {
    expect(reachOf(day(monday), [])).toBe(monday)
    expect(reachOf(day(monday), [friday])).toBe(monday)
    expect(reachOf(day(friday.from - HOUR), [friday])).toBe(friday.from - HOUR)
    expect(reachOf({ from: 0, at: 0 }, [friday])).toBe(0)
  })

  it('counts what was spent before, for as long as it is itself', () => {
    const midnight = friday.to - 9 * HOUR
    expect(reachOf(day(midnight), [friday])).toBe(friday.from - DAY)
    const rolling = { from: midnight, at: midnight + 30 * DAY }
    expect(reachOf(rolling, [friday])).toBe(friday.from - 30 * DAY)
  })

  it('leaves out of that time what nobody saw', () => {
    const earlier = { from: friday.from - 18 * HOUR, to: friday.from - 8 * HOUR }
    expect(reachOf(day(friday.to - HOUR), [earlier, friday])).toBe(earlier.from - 16 * HOUR)
  })

  it('counts more, and never less, once there are too much that nobody saw', () => {
    let record = NO_RECORD
    for (let n = 0; n < 40; n++) record = withUnseen(record, { from: n * DAY, to: n * DAY + HOUR })
    expect(record.unseen).toHaveLength(16)
    expect(record.unseen[0]).toEqual({ from: 0, to: 24 * DAY + HOUR })
    expect(record.unseen.at(-1)).toEqual({ from: 39 * DAY, to: 39 * DAY + HOUR })
  })
})

test.each([
  [4_000, '4 seconds'],
  [119_000, '119 seconds'],
  [600_000, '10 minutes'],
  [63 * HOUR, '3 days'],
  [30 * HOUR, '30 hours'],
])('%d ms are said as %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})
