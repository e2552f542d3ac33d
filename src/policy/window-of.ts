import { CALENDAR, calendarWindow, rollingWindow, WEEKDAYS, type Window } from './windows.js'
import { isZone } from './zones.js'

const UNITS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 }

/** Returns the window that has this key; undefined if the key is not one of a window. */
export function windowOf(key: string): Window | undefined {
  const [, length, unit = ''] = /^(\d+)([dhms])~$/.exec(key) ?? []
  if (length !== undefined) return rollingWindow(Number(length) * (UNITS[unit] ?? 0))
  const [name = '', zone = 'UTC'] = key.split('@')
  const [span, start = 'monday'] = name.split('.')
  const per = CALENDAR.find((one) => one === span)
  const weekStart = WEEKDAYS.find((day) => day === start)
  return per === undefined || weekStart === undefined || (key.includes('@') && !isZone(zone))
    ? undefined
    : calendarWindow(per, zone, weekStart)
}
