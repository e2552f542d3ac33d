import { DURATION_PATTERN, parseDuration, parseUnits, UNIT_DECIMALS, type Units } from '../money/index.js'
import { decodeBase64url } from '../protocol/index.js'
import type {
  ApprovalDocument,
  ApproverDocument,
  PolicyDocument,
  RepeatDocument,
  RulesDocument,
  VendorDocument,
} from './document.js'
import { readOrigin } from './origins.js'
import { readPath } from './paths.js'
import {
  choice,
  complain,
  flag,
  list,
  map,
  Numeral,
  record,
  type Shape,
  scalar,
  show,
  text,
  type Value,
  whole,
  yes,
} from './shape.js'
import type { ApproverKey } from './types.js'
import { CALENDAR, type Calendar, WEEKDAYS } from './windows.js'
import { isZone } from './zones.js'

/** The dimensions that a document may use for `each`. The others are the ledger's. */
const EACH = ['agent', 'task', 'vendor', 'payee', 'category', 'tool', 'network'] as const

const LONGEST_REPEAT = '30d'

/** Returns the text of a value. In a text file, the value may have no quotes. */
function writtenText(value: unknown): string | undefined {
  if (value instanceof Numeral) return value.text
  return typeof value === 'string' ? value : undefined
}

/** A sum in the unit: a plain decimal number as text, with or without the unit's symbol after it. */
const money: Shape<Units> = {
  read: (value, path, reading) => {
    if (typeof value === 'number')
      return complain(reading, path, `the number ${value} is not exact: write it as text, "${value}"`)
    const match = /^(\S+?)(?: (\S+))?$/.exec(writtenText(value) ?? '')
    const symbol = match?.[2] ?? reading.symbol
    const units = symbol === reading.symbol ? parseUnits(match?.[1] ?? '') : undefined
    if (units !== undefined) return units
    const example = `write it like "0.10" or "0.10 ${reading.symbol}"`
    return complain(
      reading,
      path,
      `${show(value)} is not an amount of ${reading.symbol} with at most ${UNIT_DECIMALS} decimals: ${example}`,
    )
  },
  schema: () => ({
    description: 'an amount in the unit, such as "0.10" or "0.10 USD"',
    anyOf: [
      { type: 'string', pattern: '^(0|[1-9][0-9]*)(\\.[0-9]+)?( [A-Z]{3})?$' },
      { type: 'number', minimum: 0 },
    ],
  }),
}

function duration(least: string, most: string): Shape<number> {
  const [low = 0, high = 0] = [parseDuration(least), parseDuration(most)]
  return text(
    `a duration from ${least} to ${most}: write it like 90s, 5m, 12h or 30d`,
    (written) => {
      const ms = parseDuration(written)
      return ms !== undefined && ms >= low && ms <= high ? ms : undefined
    },
    { pattern: DURATION_PATTERN },
  )
}

/** A text in normal form. The reader returns the normal form, or an error text that starts with `!`. */
function normal(expects: string, reader: (written: string) => string): Shape<string> {
  return {
    read: (value, path, reading) => {
      if (typeof value !== 'string') return complain(reading, path, `${show(value)} is not ${expects}`)
      const read = reader(value)
      return read.startsWith('!') ? complain(reading, path, `${show(value)}: ${read.slice(1)}`) : read
    },
    schema: () => ({ type: 'string', description: expects }),
  }
}

function pattern(
  expects: string,
  expression: RegExp,
  change = (value: string): string => value,
): Shape<string> {
  return text(expects, (value) => (expression.test(value) ? change(value) : undefined), {
    pattern: expression.source,
  })
}

const label = pattern(
  'a name of 1 to 64 characters: letters, digits, dots, dashes or spaces',
  /^[\w. -]{1,64}$/,
)
const zone = text('a time zone: write it like UTC or Europe/Berlin', (value) =>
  isZone(value) ? value : undefined,
)

/** `day` or `30d`. The field `rolling` decides which form is allowed. */
const per: Shape<Calendar | number> = scalar(
  `a window: minute, hour, day, week, month, year, ever or task, or with \`rolling: true\` a duration such as 30d`,
  { type: 'string', anyOf: [{ enum: CALENDAR }, { pattern: DURATION_PATTERN }] },
  (value) =>
    CALENDAR.find((one) => one === value) ?? (typeof value === 'string' ? parseDuration(value) : undefined),
)

const budget = record(
  {
    limit: money,
    payments: whole(1, 1_000_000_000),
    per,
    rolling: yes,
    each: choice(...EACH),
    timezone: zone,
  },
  ['per'],
)

const payee = pattern('a payee: an address like 0x… or an account id', /^[\w:.-]{1,200}$/, (value) =>
  /^0x/i.test(value) ? value.toLowerCase() : value,
)
const payeeList = list(payee, 'payees', 1)
const payees: Shape<readonly string[] | 'any'> = {
  read: (value, path, reading) => (value === 'any' ? 'any' : payeeList.read(value, path, reading)),
  schema: () => ({ anyOf: [{ const: 'any' }, payeeList.schema()] }),
}

const repeat = record(
  {
    within: duration('1s', LONGEST_REPEAT),
    // biome-ignore lint/suspicious/noThenProperty: a key of the document; it is no function, so nothing awaits it
    then: choice('ask', 'deny'),
    unlessKeyed: yes,
  } satisfies Record<keyof RepeatDocument, Shape<unknown>>,
  ['within', 'then'],
)

const vendor = record(
  {
    origin: normal('an origin: write it like https://api.example', readOrigin),
    methods: list(
      pattern('an HTTP method: write it like GET', /^[A-Za-z]{1,20}$/, (value) => value.toUpperCase()),
      'methods',
      1,
    ),
    paths: list(normal('a path: write it like /v1/**', readPath), 'paths', 1),
    tools: list(pattern('the name of a tool', /^(?=.{1,200}$)[\w./:@%+~-]*\*?$/), 'tools', 0),
    category: label,
    payees,
    perPayment: money,
    deposit: money,
    escrows: list(
      pattern('the address of a contract like 0x…', /^0x[0-9a-f]{40}$/i, (value) => value.toLowerCase()),
      'escrows',
      1,
    ),
    authorization: choice('replace'),
    cors: flag,
    repeat,
  } satisfies Record<keyof VendorDocument, Shape<unknown>>,
  ['origin'],
)

const ratio: Shape<bigint> = scalar(
  'a factor of at least 1: write it like 3',
  { type: 'number', minimum: 1 },
  (value) => {
    const read = parseUnits(typeof value === 'number' ? String(value) : (writtenText(value) ?? ''))
    return read !== undefined && read >= 10n ** BigInt(UNIT_DECIMALS) ? read : undefined
  },
)

const ask = record({
  above: money,
  newVendor: yes,
  newPayee: yes,
  category: label,
  priceJump: ratio,
  aboveAdvertised: yes,
})

const LONGEST_KEY = 2_048

const approverFields = record(
  {
    name: label,
    type: choice('ed25519', 'p256', 'passkey'),
    publicKey: pattern('a public key in base64url', /^[\w-]{1,2731}$/),
    credential: pattern('the id of a credential in base64url', /^[\w-]{1,2000}$/),
    rpId: pattern('a host name like localhost', /^[a-z0-9.-]{1,253}$/),
    origins: list(pattern('the origin of a page', /^https?:\/\/[^/?#\s]{1,300}$/), 'origins', 1),
  } satisfies Record<keyof ApproverDocument, Shape<unknown>>,
  ['name', 'type', 'publicKey'],
)

/** The length of a public key in bytes. A COSE key has no fixed length. */
const KEY_BYTES = { ed25519: 32, p256: 65, passkey: undefined } as const

/** A person's public key. A key of the wrong length would refuse every answer, so it is an issue. */
const approverKey: Shape<ApproverKey> = {
  read: (value, path, reading) => {
    const read = approverFields.read(value, path, reading)
    if (read === undefined) return undefined
    const bytes = decodeBase64url(read.publicKey)?.length ?? 0
    const { [read.type]: length } = KEY_BYTES
    if (bytes === 0 || bytes > LONGEST_KEY || (length !== undefined && bytes !== length))
      return complain(
        reading,
        [...path, 'publicKey'],
        length === undefined ? 'is not a key in base64url' : `is not a key of ${length} bytes in base64url`,
      )
    for (const name of ['credential', 'rpId', 'origins'] as const) {
      if ((read.type === 'passkey') === (read[name] !== undefined)) continue
      const fix =
        read.type === 'passkey' ? 'is missing: a passkey needs it' : 'is only for a passkey: leave it out'
      return complain(reading, [...path, name], fix)
    }
    return read
  },
  schema: () => approverFields.schema(),
}

const approval = record({
  timeout: duration('1s', '7d'),
  perAgent: whole(1, 1000),
  perVendor: whole(1, 1000),
  holds: whole(0, 100),
  by: list(approverKey, 'people who may answer', 1),
} satisfies Record<keyof ApprovalDocument, Shape<unknown>>)

const rules = {
  perPayment: money,
  maxFee: money,
  perTask: money,
  deposits: money,
  budgets: list(budget, 'budgets', 0),
  unlisted: choice('deny', 'ask', 'allow'),
  vendors: list(vendor, 'vendors', 0),
  currencies: list(
    text('a currency: the unit, or an id like eip155:4217/erc20:0x…', (value, { symbol }) =>
      value === symbol || /^[a-z0-9-]{2,20}:[\w-]+(\/[a-z0-9]+:[\w.-]+)?$/i.test(value)
        ? value.includes('/erc20:')
          ? value.toLowerCase()
          : value
        : undefined,
    ),
    'currencies',
    1,
  ),
  networks: list(
    pattern(
      'a network: a method like tempo, or an id like eip155:4217',
      /^[a-z][a-z0-9-]{1,30}(:[\w-]{1,64})?$/,
    ),
    'networks',
    1,
  ),
  ask: list(ask, 'ask rules', 0),
  repeat,
  approval,
  maxValidity: duration('5s', '1d'),
  timezone: zone,
  weekStart: choice(...WEEKDAYS),
} satisfies Record<keyof RulesDocument, Shape<unknown>>

/** The definition of the document. The parser and the published JSON Schema both use it. */
export const documentShape = record({
  version: scalar('1, the version of this format', { const: 1 }, (value) =>
    value === 1 || (value instanceof Numeral && value.text === '1') ? (1 as const) : undefined,
  ),
  name: label,
  unit: pattern('a currency code of three letters: write it like USD', /^[A-Z]{3}$/),
  ...rules,
  agents: map(record(rules), 'agents to rules'),
  unlimited: flag,
} satisfies Record<keyof PolicyDocument, Shape<unknown>>)

const rulesShape = record(rules)

/** A parsed document: amounts in units, durations in milliseconds, origins and paths in normal form. */
export type Document = Value<typeof documentShape>
export type Rules = Value<typeof rulesShape>
export type Budget = Value<typeof budget>
export type Vendor = Value<typeof vendor>
export type Ask = Value<typeof ask>
export type RepeatRule = Value<typeof repeat>
