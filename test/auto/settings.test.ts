import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.js'
import { readEnvironment } from '../../src/config/environment.js'
import { allSettings, variableOf } from '../../src/config/settings.js'
import { VARIABLES } from '../../src/config/variables.js'

const KEY = 'a1b2'.repeat(16)
const ADDRESS = `0x${'Ab'.repeat(20)}`
const FILE = '/etc/purser/config.yaml'
const BESIDE = '/etc/purser'
/** What every other setting stands beside. */
const env = { PURSER_POLICY: '/policy.yaml', PURSER_TEMPO_KEY_FILE: '/tempo.key' }

/** Every setting but the keys: as a variable, as it stands in a file, and what both come to. */
const SETTINGS: readonly (readonly [path: string, variable: string, yaml: string, read: unknown])[] = [
  ['policy', '/p.yaml', '/p.yaml', '/p.yaml'],
  ['agent', 'researcher', 'researcher', 'researcher'],
  ['ledger', '/l.db', '/l.db', '/l.db'],
  ['currencies', '/c.json', '/c.json', '/c.json'],
  [
    'rates',
    'EUR=1.12, eip155:8453/slip44:60=4000',
    '{ EUR: 1.12, "eip155:8453/slip44:60": 4000 }',
    {
      EUR: '1.12',
      'eip155:8453/slip44:60': '4000',
    },
  ],
  [
    'prefer',
    'tempo/*, stripe/charge;q=0.5',
    '[tempo/*, stripe/charge;q=0.5]',
    [{ kind: 'tempo/*' }, { kind: 'stripe/charge', q: 0.5 }],
  ],
  ['onRefusal', 'throw', 'throw', 'throw'],
  ['approvals', 'ledger', 'ledger', 'ledger'],
  ['budgetAlerts', '0.5,0.8', '[0.5, 0.8]', [0.5, 0.8]],
  ['doubtWindow', '0', '0', 0],
  ['patience', '45000', '45000', 45_000],
  ['maxKeptBody', '1048576', '1048576', 1_048_576],
  ['wallets.tempo.account', ADDRESS, `"${ADDRESS}"`, ADDRESS],
  [
    'wallets.tempo.rpc',
    '4217=https://a.example,4217=https://b.example',
    '{ 4217: [https://a.example, https://b.example] }',
    {
      4217: ['https://a.example', 'https://b.example'],
    },
  ],
  ['wallets.tempo.chains', '4217,42431', '[4217, 42431]', [4217, 42431]],
  ['wallets.tempo.mode', 'push', 'push', 'push'],
  ['wallets.tempo.lanes', '8', '8', 8],
  ['wallets.tempo.feeToken', `4217=${ADDRESS}`, `{ 4217: "${ADDRESS}" }`, { 4217: ADDRESS }],
  ['wallets.tempo.clientId', 'me', 'me', 'me'],
  ['wallets.tempo.maxFeePerGas', '20000000000', '20000000000', 20_000_000_000n],
  ['wallets.tempo.maxPriorityFeePerGas', '0', '0', 0n],
  ['wallets.tempo.validityMs', '9000', '9000', 9000],
  ['wallets.session.deposit', '0.50', '0.50', '0.50'],
  ['wallets.session.topUp', '1', '1', '1'],
  ['wallets.session.escrows', ADDRESS, `["${ADDRESS}"]`, [ADDRESS]],
  ['wallets.session.protocol', 'v2', 'v2', 'v2'],
  [
    'wallets.session.rpc',
    '4217=https://a.example',
    '{ 4217: https://a.example }',
    { 4217: ['https://a.example'] },
  ],
  ['wallets.session.chains', '4217', '[4217]', [4217]],
  ['wallets.session.feeToken', `4217=${ADDRESS}`, `{ 4217: "${ADDRESS}" }`, { 4217: ADDRESS }],
  ['wallets.session.maxFeePerGas', '1', '1', 1n],
  ['wallets.session.maxPriorityFeePerGas', '1', '1', 1n],
  ['wallets.session.validityMs', '9000', '9000', 9000],
  [
    'wallets.evm.rpc',
    '8453=https://a.example',
    '{ 8453: https://a.example }',
    { 8453: ['https://a.example'] },
  ],
  ['wallets.evm.chains', '8453', '[8453]', [8453]],
  ['wallets.evm.ways', 'authorization,permit2', '[authorization, permit2]', ['authorization', 'permit2']],
  ['wallets.evm.gasLimit', '120000', '120000', 120_000n],
  ['wallets.evm.maxFeePerGas', '1000000000000000000000', '1000000000000000000000', 10n ** 21n],
  ['wallets.evm.validityMs', '9000', '9000', 9000],
  ['wallets.stripe.paymentMethod', 'pm_1', 'pm_1', 'pm_1'],
  ['wallets.stripe.account', 'acct_1', 'acct_1', 'acct_1'],
  ['wallets.stripe.livemode', '0', 'false', false],
  ['wallets.stripe.paymentMethodTypes', 'card,link', '[card, link]', ['card', 'link']],
  ['wallets.stripe.validityMs', '60000', '60000', 60_000],
  ['wallets.stripe.returnUrl', 'https://a.example/done', 'https://a.example/done', 'https://a.example/done'],
  ['wallets.stripe.apiVersion', '2026-07-29.preview', '2026-07-29.preview', '2026-07-29.preview'],
  ['wallets.stripe.module', '/tokens.mjs', '/tokens.mjs', '/tokens.mjs'],
  ['wallets.lightning.node', 'alice', 'alice', 'alice'],
  ['wallets.lightning.module', '/node.mjs', '/node.mjs', '/node.mjs'],
  ['wallets.lightning.network', 'regtest', 'regtest', 'regtest'],
  ['wallets.lightning.maxFeeSats', '10', '10', 10n],
  ['wallets.lightning.maxFeePartsPerMillion', '10000', '10000', 10_000n],
  ['wallets.lightning.timeoutMs', '60000', '60000', 60_000],
]

/** `a.b.c` with a value, as the text of a file. */
function document(path: string, yaml: string): string {
  const keys = path.split('.')
  return `${keys.map((key, depth) => `${'  '.repeat(depth)}${key}:`).join('\n')} ${yaml}\n`
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce((inner: unknown, key) => Reflect.get(Object(inner), key), value)
}

describe('a setting', () => {
  test.each(SETTINGS)('%s is the same as a variable and in the file', (path, variable, yaml, read) => {
    const name = variableOf(path.split('.'))
    const { PURSER_POLICY: _, ...least } = path === 'policy' ? env : { ...env, PURSER_POLICY: '' }
    const policy = path === 'policy' ? {} : { PURSER_POLICY: '/policy.yaml' }
    const byVariable = readEnvironment({ ...least, ...policy, [name]: variable })
    const byFile = readEnvironment({ ...least, ...policy }, parseConfig(document(path, yaml), FILE))
    expect(at(byVariable, path)).toEqual(read)
    expect(byFile).toEqual(byVariable)
  })

  test('each is in the list above, or is a place of a key', () => {
    const listed = [...SETTINGS.map(([path]) => path), 'log', 'notify', 'wallets.evm.domains']
    const known = allSettings().map((path) => path.join('.'))
    expect(known.filter((path) => !/[kK]ey\.\w+$/.test(path)).sort()).toEqual(listed.sort())
  })

  test('of a variable overrides the one of the file', () => {
    const file = parseConfig('agent: one\nlog: off\nwallets: { tempo: { key: ./a.key, mode: pull } }', FILE)
    expect(
      readEnvironment({ PURSER_POLICY: '/p', PURSER_AGENT: 'two', PURSER_TEMPO_MODE: 'push' }, file),
    ).toEqual({
      policy: '/p',
      agent: 'two',
      quiet: true,
      wallets: {
        tempo: { mode: 'push', key: { name: `wallets.tempo.key.file of ${FILE}`, file: `${BESIDE}/a.key` } },
      },
    })
    expect(readEnvironment({ PURSER_POLICY: '/p', PURSER_TEMPO_KEY_FD: '3' }, file)).toMatchObject({
      wallets: { tempo: { key: { descriptor: 3 } } },
    })
  })

  test('that is a path in a file is relative to that file', () => {
    const text =
      'policy: policy.yaml\nledger: ../l.db\ncurrencies: c.json\nwallets: { lightning: { node: a, module: node.mjs } }'
    expect(readEnvironment({}, parseConfig(text, FILE))).toMatchObject({
      policy: `${BESIDE}/policy.yaml`,
      ledger: '/etc/l.db',
      currencies: `${BESIDE}/c.json`,
      wallets: { lightning: { module: `${BESIDE}/node.mjs` } },
    })
  })

  test('can be a list of targets for messages, in a file', () => {
    const text = `
      notify:
        - { url: https://hooks.example, secretFile: hook.secret, mayAnswer: true, on: [doubt] }
        - { telegram: { tokenFile: bot.token, chat: -100 } }`
    expect(
      readEnvironment({ PURSER_POLICY: '/p', PURSER_TEMPO_KEY_FD: '3' }, parseConfig(text, FILE)).notify,
    ).toEqual({
      folder: BESIDE,
      targets: [
        { url: 'https://hooks.example', secretFile: 'hook.secret', mayAnswer: true, on: ['doubt'] },
        { telegram: { tokenFile: 'bot.token', chat: '-100' } },
      ],
    })
  })

  test('can be a list of currencies and of signing domains, in a file', () => {
    const text = `
      currencies: [{ network: eip155:1, address: "${ADDRESS}", symbol: X, decimals: 6 }]
      wallets: { evm: { key: e.key, domains: { "eip155:1/erc20:${ADDRESS}": { name: X, version: 2 } } } }`
    expect(readEnvironment({ PURSER_POLICY: '/p' }, parseConfig(text, FILE))).toMatchObject({
      currencies: [{ decimals: 6 }],
      wallets: { evm: { domains: { [`eip155:1/erc20:${ADDRESS}`]: { name: 'X', version: '2' } } } },
    })
  })
})

describe('a key', () => {
  test.each([
    ['a path', 'a.key', { file: `${BESIDE}/a.key` }],
    ['a file', '{ file: /a.key }', { file: '/a.key' }],
    ['a file to remove', '{ file: a.key, unlink: true }', { file: `${BESIDE}/a.key`, unlink: true }],
    ['a file to keep', '{ file: a.key, unlink: false }', { file: `${BESIDE}/a.key` }],
    ['a descriptor', '{ fd: 3 }', { descriptor: 3 }],
    ['a credential', '{ credential: wallet }', { credential: '/run/c/wallet' }],
  ])('in a file is %s', (_what, yaml, place) => {
    const text = document('wallets.evm.key', yaml)
    const { wallets } = readEnvironment(
      { PURSER_POLICY: '/p', CREDENTIALS_DIRECTORY: '/run/c' },
      parseConfig(text, FILE),
    )
    expect(wallets.evm?.key).toMatchObject(place)
    expect(wallets.evm?.key?.name).toMatch(/^wallets\.evm\.key\.\w+ of \/etc/)
  })

  test('that another process keeps is not read, but one in a lasting place is read again', () => {
    const taken = { PURSER_POLICY: '/p', PURSER_KEY_TAKEN_BY: 'evm=7' }
    const read = (yaml: string) =>
      readEnvironment(taken, parseConfig(document('wallets.evm.key', yaml), FILE)).wallets.evm?.key
    expect(read('{ fd: 3 }')).toMatchObject({ takenBy: '7' })
    expect(read('{ file: a.key, unlink: true }')).toMatchObject({ takenBy: '7' })
    expect(read('/dev/fd/63')).toMatchObject({ takenBy: '7' })
    expect(read('a.key')).toMatchObject({ file: `${BESIDE}/a.key` })
  })
})

describe('a mistake', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    [
      'an EVM key by value',
      { PURSER_EVM_KEY: KEY },
      /^PURSER_EVM_KEY is not a variable .* use PURSER_EVM_KEY_FILE/,
    ],
    ['a Stripe key by value', { PURSER_STRIPE_KEY: `sk_live_${KEY}` }, /use PURSER_STRIPE_KEY_FILE/],
    ['a voucher key by value', { PURSER_SESSION_VOUCHER_KEY: KEY }, /use PURSER_SESSION_VOUCHER_KEY_FILE/],
    [
      'two ways of one key',
      { PURSER_EVM_KEY_FILE: '/a', PURSER_EVM_KEY_FD: '3' },
      /^Set PURSER_EVM_KEY_FILE or PURSER_EVM_KEY_FD/,
    ],
    ['a mistyped chain list', { PURSER_EVM_CHIANS: '1' }, /did you mean PURSER_EVM_CHAINS\?$/],
    ['a chain in words', { PURSER_EVM_CHAINS: 'base' }, /^PURSER_EVM_CHAINS must be a whole number/],
    ['an empty list', { PURSER_EVM_WAYS: ',' }, /^PURSER_EVM_WAYS must be a list/],
    [
      'a way that is none',
      { PURSER_EVM_WAYS: 'permit3' },
      /must be authorization, permit2, transaction or hash$/,
    ],
    ['a rate without a currency', { PURSER_RATES: '1.12' }, /^PURSER_RATES must be a list like EUR=1.12/],
    ['two rates of one currency', { PURSER_RATES: 'EUR=1,EUR=2' }, /^PURSER_RATES must be a list/],
    ['a preference that is none', { PURSER_PREFER: 'tempo' }, /^PURSER_PREFER must be a list like/],
    ['a preference above one', { PURSER_PREFER: 'tempo/*;q=2' }, /^PURSER_PREFER must be a list like/],
    [
      'a deposit with a currency',
      { PURSER_SESSION_DEPOSIT: '1 USD' },
      /^PURSER_SESSION_DEPOSIT must be a decimal/,
    ],
    ['a time with a unit', { PURSER_PATIENCE: '45s' }, /^PURSER_PATIENCE must be a whole number/],
    ['a mode in words', { PURSER_STRIPE_LIVEMODE: 'yes' }, /^PURSER_STRIPE_LIVEMODE must be 1 or 0/],
    [
      'targets as a variable',
      { PURSER_NOTIFY: 'https://ntfy.sh/x' },
      /^PURSER_NOTIFY must be a list in the settings file/,
    ],
    ['domains as a variable', { PURSER_EVM_DOMAINS: '{}' }, /^PURSER_EVM_DOMAINS must be a mapping/],
  ])('in a variable is named: %s', (_what, wrong, message) => {
    const read = () => readEnvironment({ ...env, ...wrong })
    expect(read).toThrow(expect.objectContaining({ code: 'invalid_config', funds: 'untouched' }))
    expect(read).toThrow(message)
    expect(read).not.toThrow(KEY)
  })

  test.each<[string, string, RegExp]>([
    ['an unknown setting', 'polciy: a', /^\/etc\S+ has no setting polciy: did you mean policy\?$/],
    [
      'an unknown wallet',
      'wallets: { tempoo: {} }',
      /^wallets of \S+ has no setting tempoo: did you mean tempo\?/,
    ],
    [
      'an unknown setting of a wallet',
      'wallets: { evm: { chians: [1] } }',
      /^wallets\.evm of \S+ has no setting chians: did you mean chains\?/,
    ],
    [
      'an unknown place of a key',
      'wallets: { evm: { key: { fiel: a } } }',
      /^wallets\.evm\.key of \S+ has no setting fiel: did you mean file\?/,
    ],
    [
      'a key itself',
      `wallets: { evm: { key: ${KEY} } }`,
      /^wallets\.evm\.key of \S+ must not hold the key itself/,
    ],
    ['a key itself, as a number', `wallets: { evm: { key: 0x${KEY} } }`, /must not hold the key itself/],
    ['a secret of Stripe', `wallets: { stripe: { key: rk_live_${KEY} } }`, /must not hold the key itself/],
    ['a key that is a list', 'wallets: { evm: { key: [a] } }', /must be a path, or one of/],
    ['a key in two places', 'wallets: { evm: { key: { file: a, fd: 3 } } }', /^Set wallets\.evm\.key\.file/],
    ['a key nowhere', 'wallets: { evm: { key: {} } }', /must have one of file, fd and credential$/],
    [
      'a descriptor to remove',
      'wallets: { evm: { key: { fd: 3, unlink: true } } }',
      /unlink .*removes a key file/,
    ],
    [
      'a descriptor that is input',
      'wallets: { evm: { key: { fd: 0 } } }',
      /^wallets\.evm\.key\.fd of \S+ must be the number/,
    ],
    ['a setting twice', 'agent: a\nagent: b', /^\/etc\S+ cannot be read as YAML or JSON \(line 2\)$/],
    ['a broken line', `agent: "${KEY}`, /cannot be read as YAML or JSON \(line 1\)$/],
    ['a text', 'hello', /must be a mapping of settings$/],
    ['nothing', '', /must be a mapping of settings$/],
    ['a list of wallets', 'wallets: [tempo]', /^wallets of \S+ must be a mapping$/],
    [
      'a wallet that is a text',
      'wallets: { tempo: on }',
      /^wallets\.tempo of \S+ must be a mapping of settings$/,
    ],
    [
      'a number with a fraction',
      'wallets: { tempo: { lanes: 1.5 } }',
      /^wallets\.tempo\.lanes of \S+ must be a whole number/,
    ],
    ['an agent that is a list', 'agent: [a]', /^agent of \S+ must be a text$/],
  ])('in a file is named: %s', (_what, text, message) => {
    const read = () => readEnvironment(env, parseConfig(text, FILE))
    expect(read).toThrow(expect.objectContaining({ code: 'invalid_config', funds: 'untouched' }))
    expect(read).toThrow(message)
    expect(read).not.toThrow(KEY)
  })

  test('of an inherited property is ignored', () => {
    expect(() => readEnvironment(env, parseConfig('__proto__: { agent: eve }', FILE))).toThrow(
      /has no setting __proto__/,
    )
    const { agent } = readEnvironment(env, parseConfig('log: on', FILE))
    expect(agent).toBeUndefined()
  })
})

test('docs/auto.md has exactly one row for every setting and variable', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/auto.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([\w.]+)` \| `(PURSER_\w+)`/gm)].map(
    ([, path, name]) => `${path} ${name}`,
  )
  const known = allSettings().map((path) => `${path.join('.')} ${variableOf(path)}`)
  expect(rows.sort()).toEqual(known.sort())
  const named = new Set([...page.matchAll(/PURSER_[A-Z_]+[A-Z]/g)].map(([name]) => name))
  expect([...named].filter((name) => !VARIABLES.includes(name))).toEqual([])
  expect(VARIABLES.filter((name) => !named.has(name))).toEqual([])
})
