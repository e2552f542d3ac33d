import { expect, test } from 'vitest'
import { readEnvironment } from '../../src/config/environment.js'

const KEY = `0x${'1'.repeat(64)}`
const ACCOUNT = `0x${'Ab'.repeat(20)}`
/** No key by value, so that another way can be tried. */
const OTHER = { PURSER_TEMPO_KEY: '' }
const HEX = { name: 'PURSER_TEMPO_KEY', hex: KEY }
const LEAST = { policy: 'policy.yaml', quiet: false, wallets: { tempo: { key: HEX } } }
const least = { PURSER_POLICY: 'policy.yaml', PURSER_TEMPO_KEY: KEY }

test('a policy and a key are enough', () => {
  expect(readEnvironment(least)).toEqual(LEAST)
})

test('all settings are read, and no other variable', () => {
  const env = Object.freeze({
    PURSER_POLICY: '/etc/policy.yaml',
    PURSER_AGENT: 'researcher',
    PURSER_LEDGER: '/var/lib/ledger.db',
    PURSER_TEMPO_KEY_FILE: '/run/secrets/key',
    PURSER_TEMPO_KEY_UNLINK: '1',
    PURSER_LOG: 'off',
    PURSER_TEMPO_ACCOUNT: ACCOUNT,
    PURSER_TEMPO_RPC: ' 4217=https://a.example , 42431=http://127.0.0.1:8545,4217=https://b.example/x?y=1,',
    PATH: '/bin',
  })
  expect(readEnvironment(env)).toEqual({
    policy: '/etc/policy.yaml',
    agent: 'researcher',
    ledger: '/var/lib/ledger.db',
    quiet: true,
    wallets: {
      tempo: {
        key: { name: 'PURSER_TEMPO_KEY_FILE', file: '/run/secrets/key', unlink: true },
        account: ACCOUNT,
        rpc: { 4217: ['https://a.example', 'https://b.example/x?y=1'], 42431: ['http://127.0.0.1:8545'] },
      },
    },
  })
})

test('an empty variable counts as not set', () => {
  expect(
    readEnvironment({
      ...least,
      PURSER_AGENT: '',
      PURSER_LEDGER: '',
      PURSER_TEMPO_KEY_FILE: '',
      PURSER_TEMPO_KEY_FD: '',
      PURSER_LOG: '',
      PURSER_TEMPO_ACCOUNT: '',
      PURSER_TEMPO_RPC: '',
    }),
  ).toEqual(LEAST)
})

test.each<[string, Record<string, string>, RegExp]>([
  ['no policy', { PURSER_POLICY: '' }, /^PURSER_POLICY must name a policy file/],
  ['no key', { PURSER_TEMPO_KEY: '' }, /^PURSER_TEMPO_KEY_FILE must name a file/],
  ['two keys', { PURSER_TEMPO_KEY_FILE: '/key' }, /^Set PURSER_TEMPO_KEY_FILE or PURSER_TEMPO_KEY, not both/],
  [
    'a descriptor that is input',
    { ...OTHER, PURSER_TEMPO_KEY_FD: '0' },
    /^PURSER_TEMPO_KEY_FD must be the number/,
  ],
  [
    'a descriptor in words',
    { ...OTHER, PURSER_TEMPO_KEY_FD: 'three' },
    /^PURSER_TEMPO_KEY_FD must be the number/,
  ],
  [
    'a credential outside of systemd',
    { ...OTHER, PURSER_TEMPO_KEY_CREDENTIAL: 'key' },
    /needs CREDENTIALS_DIRECTORY/,
  ],
  [
    'a credential with a path',
    { ...OTHER, CREDENTIALS_DIRECTORY: '/run/c', PURSER_TEMPO_KEY_CREDENTIAL: '../key' },
    /must be the name of a credential/,
  ],
  ['a file to remove that nobody names', { PURSER_TEMPO_KEY_UNLINK: '1' }, /: set both$/],
  [
    'a removal in words',
    { ...OTHER, PURSER_TEMPO_KEY_FILE: '/key', PURSER_TEMPO_KEY_UNLINK: 'no' },
    /^PURSER_TEMPO_KEY_UNLINK must be 1/,
  ],
  ['a log that is neither on nor off', { PURSER_LOG: 'verbose' }, /^PURSER_LOG must be on or off/],
  [
    'a mistyped account',
    { PURSER_TEMPO_ACOUNT: ACCOUNT },
    /^PURSER_TEMPO_ACOUNT is not a variable of purser\/auto: did you mean PURSER_TEMPO_ACCOUNT\?$/,
  ],
  ['a mistyped policy', { PURSER_POLICIES: 'p' }, /did you mean PURSER_POLICY\?$/],
  ['a variable of nothing', { PURSER_MAKE_COFFEE_PLEASE: '1' }, /: docs\/auto\.md lists them$/],
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
])('%s: it does not start, and names the variable to fix', (_what, wrong, message) => {
  const read = () => readEnvironment({ ...least, ...wrong })
  expect(read).toThrow(message)
  expect(read).toThrow(expect.objectContaining({ code: 'invalid_config', funds: 'untouched' }))
  // The message is for a log.
  expect(read).not.toThrow(KEY)
})

test.each<[string, Record<string, string>, object]>([
  ['a descriptor', { PURSER_TEMPO_KEY_FD: '3' }, { descriptor: 3 }],
  [
    'a credential by its name',
    { CREDENTIALS_DIRECTORY: '/run/c', PURSER_TEMPO_KEY_CREDENTIAL: 'wallet' },
    { credential: '/run/c/wallet' },
  ],
  [
    'the usual credential of a service',
    { CREDENTIALS_DIRECTORY: '/run/c' },
    { credential: '/run/c/purser-tempo-key', optional: true },
  ],
  ['nothing, since the parent has it', { PURSER_KEY_TAKEN_BY: 'evm=11,tempo=12' }, { takenBy: '12' }],
  [
    'its own, although the parent has one',
    { PURSER_KEY_TAKEN_BY: 'tempo=12', PURSER_TEMPO_KEY_FILE: '/key' },
    { file: '/key' },
  ],
])('the key comes from %s', (_what, given, key) => {
  expect(readEnvironment({ PURSER_POLICY: 'policy.yaml', ...given })).toMatchObject({
    wallets: { tempo: { key } },
  })
})

test('variables that Kubernetes and Docker set for a service called purser are ignored', () => {
  const theirs = {
    PURSER_SERVICE_HOST: '10.0.0.1',
    PURSER_SERVICE_PORT: '80',
    PURSER_SERVICE_PORT_HTTP: '80',
    PURSER_PORT: 'tcp://10.0.0.1:80',
    PURSER_PORT_80_TCP_ADDR: '10.0.0.1',
  }
  expect(readEnvironment({ ...least, ...theirs })).toMatchObject({ policy: 'policy.yaml' })
})

test('an inherited property is not a variable', () => {
  const env = Object.assign(Object.create({ PURSER_TEMPO_ACCOUNT: ACCOUNT, PURSER_AGENT: 'eve' }), least)
  expect(readEnvironment(env)).toEqual(LEAST)
})
