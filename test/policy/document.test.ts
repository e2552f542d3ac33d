import { describe, expect, it } from 'vitest'
import { isPaymentError, type PaymentError } from '../../src/errors/index.js'
import { createPolicy, type PolicyDocument } from '../../src/policy/index.js'
import { readDocument } from '../../src/policy/read.js'
import { BASE } from './fixtures.js'

/** What reading a document complains of; documents here are wrong on purpose, so they are of any type. */
function errorOf(document: unknown): PaymentError {
  try {
    readDocument(document)
  } catch (error) {
    if (isPaymentError(error, 'invalid_policy')) return error
    throw error
  }
  expect.unreachable('The document was accepted')
}

const base = (over: object): object => ({ ...BASE, ...over })
const budget = (over: object): object => base({ budgets: [...BASE.budgets, over] })
const vendor = (over: object): object => base({ vendors: [{ origin: 'https://api.shop.example', ...over }] })

const ANN = {
  name: 'ann',
  type: 'ed25519',
  publicKey: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
} as const
const by = (over: object): object => base({ approval: { by: [{ ...ANN, ...over }] } })

// The document, the path of what is wrong, and what its sentence must contain: what is wrong, and how to mend it.
const WRONG: readonly (readonly [name: string, document: object, path: string, message: RegExp])[] = [
  ['version', base({ version: 2 }), 'version', /the number 2 is not 1, the version of this format/],
  ['name', base({ name: '' }), 'name', /"" is not a name of 1 to 64 characters/],
  ['name of another type', base({ name: 7 }), 'name', /the number 7 is not a name/],
  ['unit', base({ unit: 'usd' }), 'unit', /"usd" is not a currency code of three letters: write it like USD/],
  [
    'timezone',
    base({ timezone: 'Europe/Berln' }),
    'timezone',
    /is not a time zone: write it like UTC or Europe/,
  ],
  ['an offset as timezone', base({ timezone: '+02:00' }), 'timezone', /is not a time zone/],
  ['weekStart', base({ weekStart: 'mondy' }), 'weekStart', /did you mean monday\?/],
  [
    'perPayment as a number',
    base({ perPayment: 0.1 }),
    'perPayment',
    /is not exact: write it as text, "0.1"/,
  ],
  ['perPayment as a bigint', base({ perPayment: 1n }), 'perPayment', /write it like "0.10" or "0.10 USD"/],
  [
    'perPayment in another unit',
    base({ perPayment: '1 EUR' }),
    'perPayment',
    /"1 EUR" is not an amount of USD/,
  ],
  ['perPayment below zero', base({ perPayment: '-1' }), 'perPayment', /"-1" is not an amount/],
  ['perPayment with an exponent', base({ perPayment: '1e3' }), 'perPayment', /"1e3" is not an amount/],
  ['perPayment in hexadecimal', base({ perPayment: '0x10' }), 'perPayment', /"0x10" is not an amount/],
  ['perPayment with ten decimals', base({ perPayment: '0.0000000001' }), 'perPayment', /at most 9 decimals/],
  ['perPayment with separators', base({ perPayment: '1,000' }), 'perPayment', /"1,000" is not an amount/],
  ['perPayment of other digits', base({ perPayment: '١' }), 'perPayment', /is not an amount/],
  [
    'perPayment undefined',
    base({ perPayment: undefined }),
    'perPayment',
    /has no value: give it one, or leave/,
  ],
  ['maxFee', base({ maxFee: 'much' }), 'maxFee', /"much" is not an amount/],
  ['perTask', base({ perTask: null }), 'perTask', /has no value/],
  ['deposits', base({ deposits: true }), 'deposits', /true is not an amount/],
  ['budgets', base({ budgets: { limit: '5' } }), 'budgets', /a map is not a list of budgets/],
  ['a budget', base({ budgets: ['5 USD'] }), 'budgets[0]', /"5 USD" is not a map of limit, payments, per/],
  ['a budget without a window', budget({ limit: '5' }), 'budgets[1].per', /is missing: add it/],
  ['a budget of nothing', budget({ per: 'day' }), 'budgets[1]', /give it exactly one/],
  ['a budget of both', budget({ limit: '5', payments: 3, per: 'day' }), 'budgets[1]', /give it exactly one/],
  ['budget.limit', budget({ limit: 5, per: 'day' }), 'budgets[1].limit', /write it as text, "5"/],
  [
    'budget.payments',
    budget({ payments: 1.5, per: 'day' }),
    'budgets[1].payments',
    /is not a whole number from 1/,
  ],
  ['budget.payments as text', budget({ payments: '60', per: 'day' }), 'budgets[1].payments', /whole number/],
  ['budget.per', budget({ limit: '5', per: 'fortnight' }), 'budgets[1].per', /is not a window: minute, hour/],
  [
    'a duration that does not roll',
    budget({ limit: '5', per: '30d' }),
    'budgets[1].per',
    /needs `rolling: true`/,
  ],
  [
    'a calendar that rolls',
    budget({ limit: '5', per: 'month', rolling: true }),
    'budgets[1].per',
    /such as 24h or 30d/,
  ],
  [
    'half minutes',
    budget({ limit: '5', per: '90s', rolling: true }),
    'budgets[1].per',
    /whole minutes: round it up/,
  ],
  [
    'budget.rolling',
    budget({ limit: '5', per: '30d', rolling: false }),
    'budgets[1].rolling',
    /leave the key out/,
  ],
  [
    'budget.each',
    budget({ limit: '5', per: 'day', each: 'vendors' }),
    'budgets[1].each',
    /did you mean vendor\?/,
  ],
  [
    'each grant',
    budget({ limit: '5', per: 'day', each: 'grant' }),
    'budgets[1].each',
    /agent, task, vendor, payee/,
  ],
  [
    'budget.timezone',
    budget({ limit: '5', per: 'day', timezone: 'Mars' }),
    'budgets[1].timezone',
    /time zone/,
  ],
  ['unlisted', base({ unlisted: 'deni' }), 'unlisted', /did you mean deny\?/],
  ['vendors', base({ vendors: 'https://api.shop.example' }), 'vendors', /is not a list of vendors/],
  ['a vendor', base({ vendors: ['https://a.example'] }), 'vendors[0]', /is not a map of origin, methods/],
  [
    'a vendor without origin',
    base({ vendors: [{ methods: ['GET'] }] }),
    'vendors[0].origin',
    /is missing: add it/,
  ],
  [
    'vendor.methods',
    vendor({ methods: ['G T'] }),
    'vendors[0].methods[0]',
    /is not an HTTP method: write it like GET/,
  ],
  ['no methods', vendor({ methods: [] }), 'vendors[0].methods', /name at least one, or leave the key out/],
  [
    'vendor.paths',
    vendor({ paths: ['v1'] }),
    'vendors[0].paths[0]',
    /starts with a slash: write it like \/v1/,
  ],
  ['no paths', vendor({ paths: [] }), 'vendors[0].paths', /name at least one/],
  ['part of a segment', vendor({ paths: ['/v1/i*'] }), 'vendors[0].paths[0]', /one whole segment/],
  ['a query', vendor({ paths: ['/v1?q'] }), 'vendors[0].paths[0]', /no query/],
  ['dots', vendor({ paths: ['/v1/../x'] }), 'vendors[0].paths[0]', /no dot segments/],
  ['encoded slashes', vendor({ paths: ['/v1%2Fx'] }), 'vendors[0].paths[0]', /write it plainly/],
  ['vendor.tools', vendor({ tools: ['a b'] }), 'vendors[0].tools[0]', /is not the name of a tool/],
  ['vendor.category', vendor({ category: 'a,b' }), 'vendors[0].category', /is not a name/],
  ['vendor.payees', vendor({ payees: 'all' }), 'vendors[0].payees', /"all" is not a list of payees/],
  ['no payees', vendor({ payees: [] }), 'vendors[0].payees', /name at least one/],
  ['a payee', vendor({ payees: ['no body'] }), 'vendors[0].payees[0]', /is not a payee: an address/],
  ['vendor.perPayment', vendor({ perPayment: '$1' }), 'vendors[0].perPayment', /write it like/],
  ['vendor.deposit', vendor({ deposit: 1 }), 'vendors[0].deposit', /write it as text, "1"/],
  ['vendor.authorization', vendor({ authorization: 'keep' }), 'vendors[0].authorization', /is not replace/],
  ['vendor.cors', vendor({ cors: 'yes' }), 'vendors[0].cors', /"yes" is not true or false/],
  ['an unknown key of a vendor', vendor({ path: ['/v1'] }), 'vendors[0].path', /did you mean paths\?/],
  [
    'currencies',
    base({ currencies: ['EUR'] }),
    'currencies[0]',
    /"EUR" is not a currency: the unit, or an id like/,
  ],
  ['no currencies', base({ currencies: [] }), 'currencies', /name at least one/],
  ['networks', base({ networks: ['Tempo Mainnet'] }), 'networks[0]', /is not a network: a method like tempo/],
  ['no networks', base({ networks: [] }), 'networks', /name at least one/],
  ['ask', base({ ask: [{}] }), 'ask[0]', /has exactly one key/],
  ['two rules in one', base({ ask: [{ above: '1', newVendor: true }] }), 'ask[0]', /its own list item/],
  ['ask.above', base({ ask: [{ above: 1 }] }), 'ask[0].above', /write it as text, "1"/],
  ['ask.newVendor', base({ ask: [{ newVendor: false }] }), 'ask[0].newVendor', /leave the key out/],
  ['ask.newPayee', base({ ask: [{ newPayee: 1 }] }), 'ask[0].newPayee', /is not true/],
  ['ask.category', base({ ask: [{ category: 3 }] }), 'ask[0].category', /is not a name/],
  ['ask.priceJump', base({ ask: [{ priceJump: 0.5 }] }), 'ask[0].priceJump', /is not a factor of at least 1/],
  ['ask.aboveAdvertised', base({ ask: [{ aboveAdvertised: 'x' }] }), 'ask[0].aboveAdvertised', /is not true/],
  ['an unknown ask', base({ ask: [{ newPayees: true }] }), 'ask[0].newPayees', /did you mean newPayee\?/],
  ['approval', base({ approval: '5m' }), 'approval', /is not a map of timeout/],
  ['approval.timeout', base({ approval: { timeout: '5 min' } }), 'approval.timeout', /write it like 90s, 5m/],
  ['an endless approval', base({ approval: { timeout: '8d' } }), 'approval.timeout', /from 1s to 7d/],
  ['no questions', base({ approval: { perVendor: 0 } }), 'approval.perVendor', /from 1 to 1000/],
  ['more than all of it', base({ approval: { holds: 101 } }), 'approval.holds', /from 0 to 100/],
  ['nobody', base({ approval: { by: [] } }), 'approval.by', /allows nothing/],
  ['a person without a key', by({ publicKey: undefined }), 'approval.by[0].publicKey', /has no value/],
  ['a key of another kind', by({ type: 'rsa' }), 'approval.by[0].type', /is not ed25519, p256 or passkey/],
  ['a key that is too short', by({ publicKey: 'abcd' }), 'approval.by[0].publicKey', /not a key of 32 bytes/],
  ['a key of another length', by({ type: 'p256' }), 'approval.by[0].publicKey', /not a key of 65 bytes/],
  ['a key in hexadecimal', by({ publicKey: '0x12+/' }), 'approval.by[0].publicKey', /base64url/],
  [
    'a passkey without its page',
    by({ type: 'passkey', credential: 'abc', rpId: 'localhost' }),
    'approval.by[0].origins',
    /a passkey needs it/,
  ],
  ['a plain key with a page', by({ rpId: 'localhost' }), 'approval.by[0].rpId', /only for a passkey/],
  ['maxValidity', base({ maxValidity: '1w' }), 'maxValidity', /a duration from 5s to 1d/],
  ['agents', base({ agents: ['a'] }), 'agents', /a list is not a map of agents to rules/],
  ['an agent', base({ agents: { a: 'x' } }), 'agents.a', /is not a map of perPayment/],
  [
    'a rule of an agent',
    base({ agents: { a: { perPayment: 1 } } }),
    'agents.a.perPayment',
    /write it as text/,
  ],
  [
    'an agent with a name',
    base({ agents: { a: { name: 'x' } } }),
    'agents.a.name',
    /is not a key that is known/,
  ],
  [
    'agents in agents',
    base({ agents: { a: { agents: {} } } }),
    'agents.a.agents',
    /is not a key that is known/,
  ],
  ['a name with spaces', base({ agents: { 'a b': { x: 1 } } }), 'agents["a b"].x', /is not a key/],
  ['unlimited', base({ unlimited: 'yes' }), 'unlimited', /"yes" is not true or false/],
  ['an unknown key', base({ perPayments: '1' }), 'perPayments', /did you mean perPayment\?/],
  ['a key nobody could mean', base({ zzz: 1 }), 'zzz', /use version, name, unit/],
]

describe('an invalid document', () => {
  it.each(WRONG)('%s', (_name, document, path, expected) => {
    const { reasons, message, funds } = errorOf(document)
    expect(reasons.map(({ rule }) => rule)).toEqual([path])
    expect(reasons[0]?.message).toMatch(expected)
    expect(message).toContain(reasons[0]?.message)
    expect(funds).toBe('untouched')
  })

  it('is reported with all faults at once', () => {
    const { reasons, message } = errorOf({ perPayment: 1, budget: [], unlisted: 'no', vendors: [{}] })
    expect(reasons.map(({ rule }) => rule)).toEqual(['perPayment', 'budget', 'unlisted', 'vendors[0].origin'])
    expect(message).toContain('not valid in 4 places')
  })

  it.each([
    ['text', 'a policy'],
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['a class', new (class Rules {})()],
    ['a map object', new Map()],
  ])('may not be a document at all: %s', (_name, document) => {
    expect(errorOf(document).reasons[0]).toMatchObject({ rule: 'the document' })
  })

  it('never reads a key from a prototype', () => {
    const document: unknown = JSON.parse('{"__proto__": {"unlimited": true}}')
    expect(errorOf(document).reasons.map(({ rule }) => rule)).toEqual(['__proto__'])
    expect(errorOf({ constructor: {} }).reasons[0]?.rule).toBe('constructor')
  })

  it('shows at most a line of a value', () => {
    const { message } = errorOf(base({ name: `\u001b[2J${'x'.repeat(5000)}` }))
    expect(message).not.toContain('\u001b')
    expect(message.length).toBeLessThan(300)
  })
})

describe('limits', () => {
  const vendors = BASE.vendors
  const LIMITLESS: readonly (readonly [string, object, readonly string[]])[] = [
    ['nothing', {}, ['perPayment', 'budgets']],
    ['no perPayment', { budgets: BASE.budgets, vendors }, ['perPayment']],
    ['no budget', { perPayment: '1', vendors }, ['budgets']],
    [
      'a velocity is no budget',
      { perPayment: '1', budgets: [{ payments: 5, per: 'day' }], vendors },
      ['budgets'],
    ],
    ['tasks add up', { perPayment: '1', perTask: '1', vendors }, ['budgets']],
    [
      'so do windows of a task',
      { perPayment: '1', budgets: [{ limit: '1', per: 'task' }], vendors },
      ['budgets'],
    ],
    [
      'each adds up',
      { perPayment: '1', budgets: [{ limit: '1', per: 'day', each: 'vendor' }], vendors },
      ['budgets[0].each', 'budgets'],
    ],
    [
      'one vendor of two',
      {
        budgets: BASE.budgets,
        vendors: [{ origin: 'https://a.example', perPayment: '1' }, { origin: 'https://b.example' }],
      },
      ['vendors[1].perPayment'],
    ],
    [
      'vendors that are not listed',
      {
        budgets: BASE.budgets,
        unlisted: 'allow',
        vendors: [{ origin: 'https://a.example', perPayment: '1' }],
      },
      ['perPayment'],
    ],
    [
      'unlisted without a budget over all',
      { perPayment: '1', unlisted: 'ask', agents: { a: { budgets: BASE.budgets } } },
      ['unlisted'],
    ],
    [
      'one agent of two',
      { perPayment: '1', vendors, agents: { a: { budgets: BASE.budgets }, b: {} } },
      ['agents.b.budgets'],
    ],
    [
      'any number of agents',
      { perPayment: '1', vendors, agents: { '*': { budgets: BASE.budgets } } },
      ['agents.*.budgets'],
    ],
  ]
  it.each(LIMITLESS)('are missing: %s', (_name, document, paths) => {
    const { reasons } = errorOf(document)
    expect(reasons.map(({ rule }) => rule)).toEqual(paths)
    for (const { message } of reasons) expect(message).toMatch(/: add /)
  })

  const LIMITED: readonly (readonly [string, PolicyDocument])[] = [
    ['in the document', BASE],
    [
      'at every vendor',
      { budgets: BASE.budgets, vendors: [{ origin: 'https://a.example', perPayment: '1' }] },
    ],
    ['of every agent', { vendors, agents: { a: { perPayment: '1', budgets: BASE.budgets } } }],
    ['beside each', { ...BASE, budgets: [...BASE.budgets, { limit: '1', per: 'day', each: 'vendor' }] }],
    ['rolling', { ...BASE, budgets: [{ limit: '1', per: '30d', rolling: true }] }],
    ['waived', { unlimited: true, unlisted: 'allow', budgets: [{ limit: '1', per: 'day', each: 'payee' }] }],
  ]
  it.each(LIMITED)('are accepted %s', (_name, document) => {
    expect(createPolicy(document).name).toBe('default')
  })
})

describe('the hash', () => {
  const hash = (over: Partial<PolicyDocument>): string => createPolicy({ ...BASE, ...over }).hash

  it('depends on the rules, not on their spelling', () => {
    const turned = Object.fromEntries(Object.entries(BASE).reverse())
    expect(createPolicy(turned).hash).toBe(createPolicy(BASE).hash)
    expect(hash({ perPayment: '1.00 USD' })).toBe(hash({}))
    expect(hash({ version: 1, name: 'default', unit: 'USD' })).toBe(hash({}))
    expect(hash({ vendors: [{ origin: 'HTTPS://API.shop.example:443/' }] })).toBe(hash({}))
    expect(hash({})).toMatch(/^[0-9a-f]{64}$/)
  })

  it('changes with every rule', () => {
    const all = [
      hash({}),
      hash({ perPayment: '1.1' }),
      hash({ name: 'other' }),
      hash({ unlisted: 'ask' }),
      hash({ ask: [{ above: '1' }] }),
      hash({ ask: [{ newVendor: true }] }),
      hash({ agents: { a: {} } }),
      hash({ vendors: [{ origin: 'https://api.shop.example', cors: true }] }),
    ]
    expect(new Set(all).size).toBe(all.length)
  })

  it('does not change if the document is modified later', () => {
    const document = { ...BASE, perPayment: '1' }
    const policy = createPolicy(document)
    const before = policy.hash
    document.perPayment = '1000'
    expect(policy.hash).toBe(before)
    expect(Object.isFrozen(policy)).toBe(true)
    expect(Object.isFrozen(readDocument(document).budgets?.[0])).toBe(true)
  })
})

describe('the people who may answer', () => {
  const BOB = { ...ANN, name: 'bob', publicKey: 'A'.repeat(43) }
  const settingsOf = (approval: object, agent: object) =>
    createPolicy({ ...BASE, approval, agents: { a: { approval: agent } } }).approvalSettings({
      agent: 'a',
      tasks: [],
    })

  it('are those of the document, or of the agent, or of both', () => {
    expect(settingsOf({ by: [ANN, BOB] }, {}).by).toEqual([ANN, BOB])
    expect(settingsOf({}, { by: [BOB] }).by).toEqual([BOB])
    expect(settingsOf({ by: [ANN, BOB] }, { by: [BOB] }).by).toEqual([BOB])
    expect(settingsOf({ by: [ANN] }, { by: [BOB] }).by).toEqual([])
    expect(settingsOf({}, {}).by).toBeUndefined()
  })
})

describe('defaults', () => {
  it('are five minutes for a question, and the dollar', () => {
    expect(createPolicy(BASE)).toMatchObject({
      name: 'default',
      unit: 'iso4217:USD',
      symbol: 'USD',
    })
    const asking = { timeoutMs: 300_000, perAgent: 10, perVendor: 5, holds: 50 }
    expect(createPolicy(BASE).approvalSettings({ agent: 'a', tasks: [] })).toEqual(asking)
  })

  it('are replaced by the lower number of the document and the agent', () => {
    const agents = { a: { approval: { timeout: '30s', perVendor: 9 } }, b: {} }
    const policy = createPolicy({ ...BASE, approval: { timeout: '2m', perVendor: 2, holds: 0 }, agents })
    const asking = { timeoutMs: 30_000, perAgent: 10, perVendor: 2, holds: 0 }
    expect(policy.approvalSettings({ agent: 'a', tasks: [] })).toEqual(asking)
    expect(policy.approvalSettings({ agent: 'b', tasks: [] })).toEqual({ ...asking, timeoutMs: 120_000 })
  })
})
