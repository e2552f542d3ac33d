import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/protocol/index.js'
import { readDetail as readSession } from '../../src/session/evidence.js'
import { readRecord, recordOf } from '../../src/session/record.js'
import { currency, reader, toJson } from '../../src/wallet/evidence.js'
import { readDetail as readEvm } from '../../src/wallet/evm/evidence.js'
import { readDetail as readLightning } from '../../src/wallet/lightning/evidence.js'
import { readDetail as readStripe } from '../../src/wallet/stripe/evidence.js'
import { readDetail as readTempo } from '../../src/wallet/tempo/evidence.js'
import { open, v1, v2 } from '../session/parts.js'

const A = `0x${'ab'.repeat(20)}`
const HASH = `0x${'cd'.repeat(32)}`
const MONEY = {
  id: 'iso4217:EUR',
  symbol: 'EUR',
  decimals: 2,
  peg: 'iso4217:USD',
  rate: { unit: 'iso4217:USD', most: '1.12' },
}
const COMMON = { chainId: 1, sender: A, token: A, to: A, amount: '5', signedAt: 7 }

interface Codec {
  readonly name: string
  readonly read: (json: Json) => object | undefined
  readonly good: JsonObject
  /** Members that are left out if they are damaged. */
  readonly droppable?: readonly string[]
}

const record = recordOf(open, 0)
const CODECS: readonly Codec[] = [
  {
    name: 'an EVM authorization',
    read: readEvm,
    good: { form: 'authorization', ...COMMON, nonce: HASH, validBefore: 9 },
  },
  {
    name: 'an EVM permit',
    read: readEvm,
    good: { form: 'permit2', ...COMMON, nonce: HASH, deadline: 9, facilitator: A, currency: MONEY },
    droppable: ['facilitator'],
  },
  {
    name: 'an EVM transaction',
    read: readEvm,
    good: { form: 'transaction', ...COMMON, way: 'hash', nonce: '0', hash: HASH, after: '12', coin: MONEY },
  },
  { name: 'an EVM proof', read: readEvm, good: { form: 'proof', chainId: 1, sender: A } },
  {
    name: 'a Tempo transaction',
    read: readTempo,
    good: {
      ...{ form: 'transaction', mode: 'pull', sponsored: false, chainId: 1, sender: A, key: A, token: A },
      ...{ feeCurrency: MONEY, memo: HASH, transfers: [{ to: A, amount: '5' }], nonceKey: '0x1', nonce: '0' },
      ...{ lane: 'lane', validBefore: 9, seen: HASH, hash: HASH },
    },
    droppable: ['key', 'feeCurrency', 'lane', 'seen', 'hash'],
  },
  { name: 'a Tempo proof', read: readTempo, good: { form: 'proof', chainId: 1, sender: A } },
  {
    name: 'a Lightning payment',
    read: readLightning,
    good: { hash: 'ab'.repeat(32), payment: 'p1', expires: 9, paid: true, feeMsat: '12' },
    droppable: ['paid', 'feeMsat'],
  },
  {
    name: 'a Stripe token',
    read: readStripe,
    good: {
      ...{ key: 'k', live: false, amount: '5', currency: MONEY, seller: 'profile_1', expiresAt: 9 },
      ...{ metadata: { order: '7' }, token: 'spt_1', waits: true },
    },
    droppable: ['waits'],
  },
  {
    name: 'a voucher with a deposit',
    read: readSession,
    good: {
      ...{
        form: 'topUp',
        lane: 'l',
        slot: 's',
        identity: toJson(v2),
        currency: MONEY,
        total: '9',
        price: '2',
      },
      ...{ openedAt: 3, agreedAt: 4, sending: { add: '5', seen: HASH, validBefore: 9, hash: HASH } },
    },
    droppable: ['agreedAt', 'sending'],
  },
  {
    name: 'a channel',
    read: (detail) => readRecord({ ...record, detail }),
    good: { ...toJson({ ...Object(record.detail) }), forgottenAt: 3 },
    droppable: ['forgottenAt', 'pending'],
  },
]

const HUGE = '9'.repeat(1_000_000)
const WRONG: readonly (readonly [string, Json])[] = [
  ['null', null],
  ['an empty text', ''],
  ['a word', 'no such thing'],
  ['a negative number as text', '-1'],
  ['a huge text', `${HUGE}x`],
  ['a list', []],
  ['an object', { toString: 'x' }],
]

describe.each(CODECS)('$name', ({ read, good, droppable = [] }) => {
  const required = Object.keys(good).filter((name) => !droppable.includes(name))

  it('comes back as it was written', () => {
    const found = read(good)
    expect(found).toBeDefined()
    expect(read(JSON.parse(JSON.stringify(good)))).toEqual(found)
  })

  it('is read without the members that are not its own', () => {
    const more: JsonObject = JSON.parse('{"__proto__":{"x":1},"constructor":1,"more":{}}')
    expect(read({ ...good, ...more })).toEqual(read(good))
  })

  it.each([null, 5, 'text', true, [], [good], {}, JSON.parse('{"__proto__":{"form":"proof"}}')])(
    'is not read from %j',
    (json) => expect(read(json)).toBeUndefined(),
  )

  it('is not read without a member that it needs', () => {
    for (const missing of required.filter((name) => !['metadata', 'token'].includes(name))) {
      const rest = Object.fromEntries(Object.entries(good).filter(([name]) => name !== missing))
      expect(read(rest), missing).toBeUndefined()
    }
  })

  it('is not read if a member that it needs is damaged', () => {
    for (const name of required)
      for (const [what, value] of WRONG) {
        // These are names that a person or a server chose, or metadata that may be empty: any of them will do.
        if (typeof value === 'string' && ['key', 'seller', 'payment', 'lane', 'slot'].includes(name)) continue
        if (name === 'metadata' && what === 'an object') continue
        expect(read({ ...good, [name]: value }), `${name}: ${what}`).toBeUndefined()
      }
  })

  it('is read without a member of help that is damaged', () => {
    for (const name of droppable) {
      const without = read(Object.fromEntries(Object.entries(good).filter(([other]) => other !== name)))
      for (const value of [null, [], 5.5, { toString: 'x' }]) {
        if (typeof value === 'number' && ['agreedAt', 'forgottenAt'].includes(name)) continue
        expect(read({ ...good, [name]: value }), name).toEqual(without)
      }
    }
  })
})

describe('parts of evidence', () => {
  it('keeps the rate of a currency in every wallet', () => {
    const kept = [
      readStripe(CODECS[7]?.good ?? null)?.currency,
      readSession(CODECS[8]?.good ?? null)?.currency,
      reader(currency)(MONEY),
    ]
    expect(kept).toEqual([MONEY, MONEY, MONEY])
  })

  it('leaves out a rate or a peg that is damaged', () => {
    const { id, symbol, decimals } = MONEY
    expect(reader(currency)({ ...MONEY, peg: 5, rate: { unit: 'iso4217:USD' } })).toStrictEqual({
      id,
      symbol,
      decimals,
    })
  })

  it('keeps identities of both protocols apart', () => {
    const good = CODECS[8]?.good ?? {}
    expect(readSession({ ...good, identity: toJson(v1) })?.identity).toEqual(v1)
    expect(readSession({ ...good, identity: { ...toJson(v1), protocol: 'v2' } })).toBeUndefined()
  })

  it('writes amounts as decimal text, and nothing without a value', () => {
    const written = toJson({ a: 5n, b: undefined, c: [{ d: 10n ** 30n, e: undefined }], f: null })
    expect(written).toStrictEqual({ a: '5', c: [{ d: `1${'0'.repeat(30)}` }], f: null })
  })
})
