import type { Mutant } from './list.js'

const SETTINGS = ['test/auto/settings.test.ts']
const PROGRAMS = ['test/auto/programs.test.ts']

/** Faults of `purser/auto`: its settings, and what of a program it serves. */
export const AUTO: readonly Mutant[] = [
  {
    name: 'mistyped-setting-ignored',
    breaks: 'a name in the file of settings that nothing reads is passed over',
    file: 'src/auto/config.ts',
    find: '  if (unknown === undefined) return\n',
    replace: '  if (unknown !== undefined) return\n',
    tests: SETTINGS,
  },
  {
    name: 'key-in-settings',
    breaks: 'a key itself may stand in the file of settings',
    file: 'src/auto/config.ts',
    find: '/^(?:0x)?[0-9a-f]{64}$/i.test(key)',
    replace: '/^(?:0x)?[0-9a-f]{99}$/i.test(key)',
    tests: SETTINGS,
  },
  {
    name: 'file-over-variable',
    breaks: 'the file of settings wins over a variable',
    file: 'src/auto/environment.ts',
    find: 'if (variable !== undefined) return {',
    replace: 'if (variable !== undefined && configValue(file, at) === undefined) return {',
    tests: SETTINGS,
  },
  {
    name: 'fetch-met-twice',
    breaks: 'a call of fetch is paid by the interceptor beneath it, unseen by paymentFor',
    file: 'src/auto/dispatcher.ts',
    find: 'live && !isOfFetch() ? paying',
    replace: 'live ? paying',
    tests: PROGRAMS,
  },
  {
    name: 'unpaid-unsaid',
    breaks: 'purser/auto does not say why a 402 is not paid',
    file: 'src/auto/remarks.ts',
    find: "  purser.on('not_paid',",
    replace:
      "  purser.on('offer', () => undefined)\n  const unheard: Pick<Purser, 'on'> = { on: () => () => undefined }\n  unheard.on('not_paid',",
    tests: PROGRAMS,
  },
]
