import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as entry from '../../src/entry/policy.js'
import { createPolicy, loadPolicy, parsePolicyText, policyJsonSchema } from '../../src/entry/policy.js'
import { isPaymentError, type PaymentError } from '../../src/errors/index.js'
import { documentShape } from '../../src/policy/fields.js'
import { call, context, facts, terms } from './fixtures.js'

const WHOLE = `
version: 1
name: research-team
unit: USD
timezone: UTC
perPayment: 0.10                 # digits, not a float
maxFee: 0.05
perTask: 0.50
deposits: 5
budgets:
  - { limit: 5,   per: day, timezone: Europe/Berlin }
  - { limit: 1,   per: day, each: vendor }
  - { limit: 20,  per: 30d, rolling: true }
  - { payments: 60, per: minute }
unlisted: deny
vendors:
  - origin: https://api.search.example
    methods: [GET]
    paths: [/v1/**]
    tools: []
    category: search
    payees: [0x742D35CC6634c0532925a3b844bc454e4438f44e]
    perPayment: 0.02
    deposit: 1
  - origin: "https://*.browserbase.example"
currencies: [USD]
networks: [tempo, stripe]
ask:
  - { above: 1 }
  - { newVendor: true }
  - { newPayee: true }
  - { category: physical }
  - { priceJump: 3 }
  - { aboveAdvertised: true }
approval: { timeout: 5m }
maxValidity: 10m
agents:
  researcher: { budgets: [{ limit: 2, per: day }] }
`

describe('a file that is not valid', () => {
  it('is named in the error, with the duplicate key', () => {
    for (const [text, key, line] of [
      ['perPayment: 1\nbudgets: []\nperPayment: 2\n', 'perPayment', '3, column 1'],
      ['{ "maxFee": 1, "maxFee": 2 }', 'maxFee', '1, column 16'],
      ['vendors:\n  - origin: https://a.example\n    cors: true\n    cors: false\n', 'cors', '4, column 5'],
    ] as const) {
      const { message } = errorOf(text, 'team.yaml')
      expect(message).toBe(
        `team.yaml cannot be read as YAML or JSON (line ${line}): the key ${key} appears twice. Remove one of them.`,
      )
    }
    expect(errorOf('perPayment: one\n', 'team.yaml').message).toMatch(/^team\.yaml is not valid/)
    expect(errorOf('perPayment: one\nbudgets: 5\n', 'team.yaml').message).toMatch(
      /^team\.yaml is not valid in 2 places/,
    )
    expect(errorOf('perPayment: one\n').message).toMatch(/^The policy is not valid/)
  })
})

describe('a merge key', () => {
  const text = `
shop: &shop { methods: [GET], perPayment: 0.02 }
perPayment: 0.10
budgets: [{ limit: 5, per: day }]
vendors:
  - { <<: *shop, origin: https://a.example }
  - { <<: *shop, origin: https://b.example, perPayment: 0.01 }
`
  it('copies the named keys into an entry, and the entry’s own values win', () => {
    // The anchor stands inside the document, so that no key is unknown.
    const inside = text
      .replace(/^shop.*$/m, '')
      .replace(
        '{ <<: *shop, origin: https://a.example }',
        '&shop { origin: https://a.example, methods: [GET], perPayment: 0.02 }',
      )
    const merged = parsePolicyText(inside)
    const plain = createPolicy({
      perPayment: '0.10',
      budgets: [{ limit: '5', per: 'day' }],
      vendors: [
        { origin: 'https://a.example', methods: ['GET'], perPayment: '0.02' },
        { origin: 'https://b.example', methods: ['GET'], perPayment: '0.01' },
      ],
    })
    expect(merged.hash).toBe(plain.hash)
  })

  it('is refused if it names nothing, or a value that is not a map', () => {
    expect(errorOf(text).message).toMatch(/shop.*is not a key that is known here/)
    errorOf('{ <<: *nothing, perPayment: 1 }')
    errorOf('{ <<: 5, perPayment: 1 }')
  })
})

function errorOf(text: string, source?: string): PaymentError {
  try {
    parsePolicyText(text, source)
  } catch (error) {
    if (isPaymentError(error, 'invalid_policy')) return error
    throw error
  }
  expect.unreachable('The text was accepted')
}

describe('a policy as text', () => {
  it('has the same hash as the same document in code', async () => {
    const vendors = [{ origin: 'https://api.search.example', perPayment: '0.02' }]
    const budgets = [
      { limit: '5', per: 'day' },
      { payments: 60, per: 'minute' },
    ] as const
    const inCode = createPolicy({ perPayment: '0.1', budgets, vendors, ask: [{ priceJump: 2.5 }] })
    const yaml = `
perPayment: 0.10
budgets: [{ limit: 5.00 USD, per: day }, { payments: 60, per: minute }]
vendors: [{ origin: "https://api.search.example", perPayment: 0.02 }]
ask: [{ priceJump: 2.50 }]
`
    expect(parsePolicyText(yaml).hash).toBe(inCode.hash)
    const json = `{ "perPayment": 0.10, "budgets": [{ "limit": "5 USD", "per": "day" }, { "payments": 60, "per": "minute" }],
      "vendors": [{ "origin": "https:\\/\\/api.search.example", "perPayment": 0.020 }], "ask": [{ "priceJump": 2.5 }] }`
    expect(parsePolicyText(json).hash).toBe(inCode.hash)
  })

  it('can contain every key', async () => {
    const policy = parsePolicyText(WHOLE)
    await policy.ready()
    const resource = call('https://api.search.example/v1/x')
    const payees = { '0x742d35cc6634c0532925a3b844bc454e4438f44e': '0.02' }
    const decision = policy.evaluate(
      terms({ price: '0.02', payees }),
      resource,
      context({ agent: 'researcher' }),
      facts(),
    )
    expect(decision).toMatchObject({ effect: 'allow', payees: 'listed' })
    expect(decision.claims.map(({ rule }) => rule).sort()).toEqual([
      'agents.researcher.budget.day',
      'budget.30d',
      'budget.day',
      'budget.day.vendor',
      'payments.minute',
      'perTask',
    ])
  })

  it('keeps amounts that a float would round', () => {
    const text = (limit: string) =>
      `{ perPayment: ${limit}, budgets: [{ limit: ${limit}, per: day }], vendors: [] }`
    const exact = '123456789012345678901234567890.123456789'
    const lines = parsePolicyText(text(exact)).budgets(context(), 0)
    expect(lines[0]?.claim.limit).toBe(123456789012345678901234567890123456789n)
    expect(parsePolicyText(text('0.300000000')).hash).toBe(parsePolicyText(text('"0.3 USD"')).hash)
  })

  it.each([
    ['nothing', '', /^The policy is empty\.$/],
    ['white space', ' \n\t\n', /is empty/],
    ['not YAML', 'a: [1', /cannot be read as YAML or JSON \(line 1, column 6\)/],
    ['a stray tab', 'budgets:\n\t- x', /cannot be read as YAML or JSON \(line 2, column 1\)/],
    [
      'a duplicate key',
      'perPayment: 1\nunlisted: deny\nperPayment: 2',
      /\(line 3, column 1\): the key perPayment appears twice/,
    ],
    ['a duplicate key deep inside', 'vendors:\n  - origin: mcp:x\n    origin: mcp:y', /\(line 3, column 5\)/],
    ['two documents', 'name: a\n---\nname: b', /multiple documents/],
    ['a tag', 'name: !secret x', /Unresolved tag/],
    ['a key that is a list', '? [a]\n: 1', /keys must be strings/],
    ['an unknown anchor', 'name: *nobody', /aliases|anchor/i],
    ['a text', 'just words', /"just words" is not a map of/],
    ['a list', '- name: x', /a list is not a map of/],
    ['a merge', 'base: &b { name: x }\n<<: *b', /is not a key that is known/],
  ])('is refused when it is %s', (_name, text, message) => {
    const error = errorOf(text)
    expect(error.message).toMatch(message)
    expect(error).toMatchObject({ funds: 'untouched', retryable: false })
    expect(error.reasons.length).toBeGreaterThan(0)
  })

  it('is refused if aliases expand too far', () => {
    const levels = Array.from({ length: 9 }, (_, index) => {
      const below = `*l${index}`
      return `l${index + 1}: &l${index + 1} [${Array.from({ length: 9 }, () => below).join(', ')}]`
    })
    expect(errorOf(['l0: &l0 [x]', ...levels].join('\n')).message).toMatch(/aliases that .* expand too far/)
  })

  it('is refused if it is huge', () => {
    expect(errorOf(`# ${'x'.repeat(9_000_000)}`).message).toMatch(/too large/)
  })

  it('reports the line of a fault', () => {
    const error = errorOf(
      [
        'perPayment: 1e3',
        'budgets:',
        '  - { limit: 5, per: day }',
        '  - limit: 5 EUR',
        '    per: dya',
        'vendors:',
        '  - origin: https://a.example',
        '  -',
        '    origin: https://b.example/x',
        'agents:',
        '  researcher:',
        '    perTask:',
      ].join('\n'),
    )
    expect(error.reasons.map(({ message }) => message.split(': ')[0])).toEqual([
      'perPayment (line 1, column 1)',
      'budgets[1].limit (line 4, column 5)',
      'budgets[1].per (line 5, column 5)',
      'vendors[1].origin (line 9, column 5)',
      'agents.researcher.perTask (line 12, column 5)',
    ])
  })

  it('reports the line of the parent of a missing key', () => {
    const error = errorOf('name: x\nvendors:\n  - methods: [GET]')
    expect(error.reasons[0]?.message).toMatch(/^vendors\[0\]\.origin \(line 3, column 5\): is missing/)
  })

  it.each([
    ['hexadecimal', '0x10'],
    ['octal', '0o17'],
    ['an exponent', '1e2'],
    ['infinity', '.inf'],
    ['not a number', '.nan'],
    ['a sign', '+5'],
    ['below zero', '-5'],
    ['a leading zero', '05'],
    ['no leading zero', '.5'],
    ['separators', '1_000'],
  ])('does not read an amount from %s', (_name, numeral) => {
    const { reasons } = errorOf(`perPayment: ${numeral}`)
    expect(reasons.map(({ rule }) => rule)).toEqual(['perPayment'])
  })

  it('may start with a byte order mark', () => {
    const text = '{ perPayment: 1, budgets: [{ limit: 1, per: day }] }'
    expect(parsePolicyText(`\uFEFF${text}`).hash).toBe(parsePolicyText(text).hash)
  })
})

describe('a policy file', () => {
  let folder = ''
  const put = async (name: string, content: string | Uint8Array): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, content)
    return path
  }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'purser-policy-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('is loaded', async () => {
    expect((await loadPolicy(await put('policy.yaml', WHOLE))).hash).toBe(parsePolicyText(WHOLE).hash)
  })

  it.each<readonly [string, string | Uint8Array, RegExp]>([
    ['empty.yaml', '', /empty\.yaml is empty/],
    ['binary.yaml', Uint8Array.of(0xff, 0xfe, 0x00), /binary\.yaml is not UTF-8 text/],
    ['broken.json', '{', /broken\.json cannot be read as YAML or JSON/],
    ['wrong.yaml', 'perPayment: x', /perPayment \(line 1, column 1\)/],
  ])('is refused: %s', async (name, content, message) => {
    await expect(loadPolicy(await put(name, content))).rejects.toMatchObject({
      code: 'invalid_policy',
      funds: 'untouched',
      message: expect.stringMatching(message),
    })
  })

  it('is refused if it does not exist, or is a folder', async () => {
    await expect(loadPolicy(join(folder, 'none.yaml'))).rejects.toMatchObject({
      code: 'invalid_policy',
      message: expect.stringMatching(/none\.yaml cannot be read: there is no such file/),
    })
    await expect(loadPolicy(folder)).rejects.toMatchObject({
      message: expect.stringMatching(/it is a folder/),
    })
  })
})

describe('the JSON Schema', () => {
  const schema = policyJsonSchema()

  it('is plain data, closed to unknown keys', () => {
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      additionalProperties: false,
      properties: {
        version: { const: 1 },
        unlisted: { enum: ['deny', 'ask', 'allow'] },
        budgets: { type: 'array', items: { required: ['per'], additionalProperties: false } },
        vendors: {
          items: { required: ['origin'], properties: { payees: { anyOf: [{ const: 'any' }, {}] } } },
        },
        agents: { additionalProperties: { additionalProperties: false } },
      },
    })
  })

  it('has every key of the parser', () => {
    const reading = { issues: [], symbol: 'USD' }
    const known = Object.keys(Object(schema['properties']))
    expect(known.length).toBeGreaterThan(15)
    for (const key of known) {
      documentShape.read({ [key]: undefined }, [], reading)
      expect(reading.issues.at(-1)).toMatchObject({
        path: [key],
        message: expect.stringMatching(/has no value/),
      })
    }
  })
})

describe('the entry', () => {
  it('exports exactly the names of its page', () => {
    expect(Object.keys(entry).sort()).toEqual([
      'createPolicy',
      'explain',
      'loadPolicy',
      'parsePolicyText',
      'policyJsonSchema',
    ])
  })
})
