import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/ledger/index.js'
import { mayAskSystem } from '../../src/ledger/permission.js'
import { defaultPath } from '../../src/ledger/sqlite/file.js'

/** Deno as it answers: `prompt` means that the question itself would stop the program. */
function inDeno(granted: readonly string[]): void {
  const querySync = ({ kind }: { readonly kind: string }) => {
    if (kind === 'unheard of') throw new TypeError('The permission descriptor is wrong')
    return { state: granted.includes(kind) ? 'granted' : 'prompt' }
  }
  vi.stubGlobal('Deno', { permissions: { querySync } })
}

afterEach(() => void vi.unstubAllGlobals())

test('outside of Deno the system may always be asked', () => {
  vi.stubGlobal('Deno', undefined)
  expect(mayAskSystem('statfs')).toBe(true)
  vi.stubGlobal('Deno', {})
  expect(mayAskSystem('statfs')).toBe(true)
})

test('in Deno only what was granted is asked for', () => {
  inDeno(['osUptime'])
  expect(['osUptime', 'statfs', 'unheard of'].map(mayAskSystem)).toEqual([true, false, false])
})

test('without the permission there is no boot clock, and the ledger lies below the HOME of the environment', () => {
  inDeno([])
  expect(systemClock.booted?.()).toBeUndefined()
  expect(defaultPath({ HOME: '/home/ann' })).toContain('/home/ann')
  expect(() => defaultPath({})).toThrow(/HOME is no absolute path/)
  inDeno(['osUptime', 'homedir'])
  expect(systemClock.booted?.()).toBeTypeOf('number')
})
