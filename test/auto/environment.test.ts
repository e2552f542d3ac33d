import { expect, test } from 'vitest'
import { readEnvironment } from '../../src/auto/environment.js'

const KEY = `0x${'1'.repeat(64)}`
const ACCOUNT = `0x${'Ab'.repeat(20)}`
const least = { PURSER_POLICY: 'policy.yaml', PURSER_TEMPO_KEY: KEY }

test('a policy and a key are enough', () => {
  expect(readEnvironment(least)).toEqual({ policy: 'policy.yaml', key: { hex: KEY }, rpc: {} })
})

test('everything that can be said, and nothing else is looked at', () => {
  const env = Object.freeze({
    PURSER_POLICY: '/etc/policy.yaml',
    PURSER_AGENT: 'researcher',
    PURSER_LEDGER: '/var/lib/ledger.db',
    PURSER_TEMPO_KEY_FILE: '/run/secrets/key',
    PURSER_TEMPO_ACCOUNT: ACCOUNT,
    PURSER_TEMPO_RPC: ' 4217=https://a.example , 42431=http://127.0.0.1:8545,4217=https://b.example/x?y=1,',
    PATH: '/bin',
  })
  expect(readEnvironment(env)).toEqual({
    policy: '/etc/policy.yaml',
    agent: 'researcher',
    ledger: '/var/lib/ledger.db',
    key: { file: '/run/secrets/key' },
    account: ACCOUNT,
    rpc: { 4217: ['https://a.example', 'https://b.example/x?y=1'], 42431: ['http://127.0.0.1:8545'] },
  })
})

test('a variable that is empty is not set', () => {
  expect(
    readEnvironment({
      ...least,
      PURSER_AGENT: '',
      PURSER_LEDGER: '',
      PURSER_TEMPO_KEY_FILE: '',
      PURSER_TEMPO_ACCOUNT: '',
      PURSER_TEMPO_RPC: '',
    }),
  ).toEqual({ policy: 'policy.yaml', key: { hex: KEY }, rpc: {} })
})

test.each<[string, Record<string, string>, RegExp]>([
  ['no policy', { PURSER_POLICY: '' }, /^PURSER_POLICY must name a policy file/],
  ['no key', { PURSER_TEMPO_KEY: '' }, /^PURSER_TEMPO_KEY \(or PURSER_TEMPO_KEY_FILE\) must hold/],
  ['two keys', { PURSER_TEMPO_KEY_FILE: '/key' }, /^Set PURSER_TEMPO_KEY or PURSER_TEMPO_KEY_FILE, not both/],
  [
    'an account that is no address',
    { PURSER_TEMPO_ACCOUNT: 'mine' },
    /^PURSER_TEMPO_ACCOUNT must be the address/,
  ],
  ['an RPC without its chain', { PURSER_TEMPO_RPC: 'https://a.example' }, /^PURSER_TEMPO_RPC must be a list/],
  ['an RPC that is no URL', { PURSER_TEMPO_RPC: '4217=a.example' }, /^PURSER_TEMPO_RPC must be a list/],
  ['a chain in words', { PURSER_TEMPO_RPC: 'tempo=https://a.example' }, /^PURSER_TEMPO_RPC must be a list/],
  [
    'a chain with a leading zero',
    { PURSER_TEMPO_RPC: '04217=https://a.example' },
    /^PURSER_TEMPO_RPC must be/,
  ],
  [
    'one bad entry among good ones',
    { PURSER_TEMPO_RPC: '1=https://a.example,x' },
    /^PURSER_TEMPO_RPC must be/,
  ],
])('%s: it does not start, and says which variable to mend', (_what, wrong, message) => {
  const read = () => readEnvironment({ ...least, ...wrong })
  expect(read).toThrow(message)
  expect(read).toThrow(expect.objectContaining({ code: 'invalid_config', funds: 'untouched' }))
  // The message is for a log.
  expect(read).not.toThrow(KEY)
})
