import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it, test } from 'vitest'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { sqliteLedger } from '../../src/entry/ledger-sqlite.js'
import { openSocket, tempoSession } from '../../src/entry/session.js'
import { purserInterceptor } from '../../src/entry/undici.js'
import { evm } from '../../src/entry/wallet-evm.js'
import { lightning } from '../../src/entry/wallet-lightning.js'
import { stripe } from '../../src/entry/wallet-stripe.js'
import { tempo } from '../../src/entry/wallet-tempo.js'
import { createPurser } from '../../src/index.js'
import { checkDuration, LONGEST_TIMER_MS, parseDuration } from '../../src/money/index.js'

const account = privateKeyToAccount(generatePrivateKey())
const wallets = [tempo({ account })]
const policy = { unlimited: true, perPayment: '1', vendors: [{ origin: 'https://api.example' }] }
const purser = createPurser({ wallets, policy, ledger: memoryLedger() })
const setup = { wallets, policy, ledger: memoryLedger() }
const node = { node: 'alice', payInvoice: async () => ({ state: 'pending' }) as const }
const card = { createToken: async () => ({}), paymentMethod: 'pm_1' }
const limits = (name: 'keep' | 'read', ms: number) => ({ limits: { [name]: { bytes: 1, patienceMs: ms } } })
const socket = (name: 'answerMs' | 'closeMs', ms: number) =>
  openSocket(purser, 'wss://api.example', { limits: { [name]: ms } })

/** Every option that is a length of time, and what sets it. */
const OPTIONS: readonly (readonly [name: string, set: (ms: number) => unknown])[] = [
  ['patience', (patience) => createPurser({ ...setup, patience })],
  ['doubtWindow', (doubtWindow) => createPurser({ ...setup, doubtWindow })],
  ['busyTimeoutMs', (busyTimeoutMs) => sqliteLedger({ path: '/nowhere', busyTimeoutMs })],
  ['validityMs', (validityMs) => tempo({ account, validityMs })],
  ['validityMs', (validityMs) => tempoSession({ account, validityMs })],
  ['validityMs', (validityMs) => evm({ account, validityMs })],
  ['validityMs', (validityMs) => stripe({ ...card, validityMs })],
  ['timeoutMs', (timeoutMs) => lightning({ ...node, timeoutMs })],
  ['limits.keep.patienceMs', (ms) => purserInterceptor(purser, limits('keep', ms))],
  ['limits.read.patienceMs', (ms) => purserInterceptor(purser, limits('read', ms))],
  ['limits.answerMs', (ms) => socket('answerMs', ms)],
  ['limits.closeMs', (ms) => socket('closeMs', ms)],
]

describe.each([1500.5, 2 ** 31, 2 ** 32, -1, Number.NaN, Number.POSITIVE_INFINITY, Number('x')])(
  'a length of time of %d ms',
  (ms) => {
    it.each(OPTIONS)('is refused as %s, with the range that is allowed', async (name, set) => {
      const refused = new RegExp(`^${name} must be a whole number of milliseconds from \\d+ to \\d+$`)
      const failure = await (async () => set(ms))().then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(failure).toBeInstanceOf(TypeError)
      expect(String(Object(failure).message)).toMatch(refused)
    })
  },
)

test('a length of time is what a timer can wait for', () => {
  expect(checkDuration('patience', LONGEST_TIMER_MS)).toBe(2147483647)
  expect(checkDuration('patience', 1)).toBe(1)
  expect(checkDuration('patience', 0, { least: 0 })).toBe(0)
  for (const value of [0, '5', 5n, null, undefined, true, [5], new Date(5)])
    expect(() => checkDuration('patience', value)).toThrow(TypeError)
})

test.each([
  ['90s', 90_000],
  ['5m', 300_000],
  ['12h', 43_200_000],
  ['30d', 2_592_000_000],
  ['2w', 1_209_600_000],
  ['0s', undefined],
  ['1.5h', undefined],
  ['5', undefined],
  ['5 m', undefined],
  ['1000000s', undefined],
])('a document that says %s means %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})
