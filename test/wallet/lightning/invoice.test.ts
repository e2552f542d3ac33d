import bolt11 from 'bolt11'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Invoice, readInvoice } from '../../../src/wallet/lightning/invoice.js'
import { signerOf } from '../../../src/wallet/lightning/signature.js'
import { type InvoiceOptions, Payee } from '../../lightning/network.js'
import { VECTORS } from '../../lightning/vectors.js'

const PAYEE = '03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad'
const HASH = '0001020304050607080900010203040506070809000102030405060708090102'
const AT = 1_496_314_658

function invoice(text: string): Invoice {
  const read = readInvoice(text)
  if ('unreadable' in read) throw new Error(read.unreadable)
  return read
}

function why(text: string): string {
  const read = readInvoice(text)
  return 'unreadable' in read ? read.unreadable : 'it was read'
}

describe('vectors of BOLT 11', () => {
  test.each([
    ['coffee', 250_000_000n, 'mainnet', 60],
    ['nonsense', 250_000_000n, 'mainnet', 60],
    ['list', 2_000_000_000n, 'mainnet', 3_600],
    ['testnet', 2_000_000_000n, 'testnet', 3_600],
    ['fallback', 2_000_000_000n, 'mainnet', 3_600],
    ['p2sh', 2_000_000_000n, 'mainnet', 3_600],
    ['p2wpkh', 2_000_000_000n, 'mainnet', 3_600],
    ['p2wsh', 2_000_000_000n, 'mainnet', 3_600],
    ['p2tr', 2_000_000_000n, 'mainnet', 3_600],
    ['beans', 2_500_000_000n, 'mainnet', 3_600],
    ['upper', 2_500_000_000n, 'mainnet', 3_600],
    ['metadata', 1_000_000_000n, 'mainnet', 3_600],
  ] as const)('%s', (name, msat, network, expiry) => {
    const text = VECTORS[name]
    expect(invoice(text)).toEqual({
      text: text.toLowerCase(),
      network,
      msat,
      hash: HASH,
      payee: PAYEE,
      expires: (AT + expiry) * 1000,
    })
  })

  test('an amount in pico-bitcoin', () => {
    expect(invoice(VECTORS.pico)).toMatchObject({ msat: 967_878_534n, payee: PAYEE })
  })

  test.each([
    ['donation', /names no amount/],
    ['ignored', /cannot be read/],
    ['feature100', /unknown feature/],
    ['checksum', /cannot be read/],
    ['noOne', /cannot be read/],
    ['mixedCase', /cannot be read/],
    ['unrecoverable', /not signed/],
    ['tooShort', /cannot be read/],
    ['multiplier', /cannot be read/],
    ['subMsat', /cannot be read/],
    ['noSecret', /payment secret/],
    ['namedHighS', /payment secret/],
  ] as const)('%s is not paid', (name, text) => {
    expect(why(VECTORS[name])).toMatch(text)
  })

  test('a key is recovered from a signature of either kind, and a named one verifies the low kind alone', () => {
    const { signature = '', recoveryFlag = 0 } = bolt11.decode(VECTORS.beans)
    const low = `${signature}0${recoveryFlag}`
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const negated = (order - BigInt(`0x${signature.slice(64)}`)).toString(16).padStart(64, '0')
    const high = `${signature.slice(0, 64)}${negated}0${1 - recoveryFlag}`
    expect(signerOf(VECTORS.beans, low, undefined)).toBe(PAYEE)
    expect(signerOf(VECTORS.beans, high, undefined)).toBe(PAYEE)
    expect(signerOf(VECTORS.beans, low, PAYEE)).toBe(PAYEE)
    expect(signerOf(VECTORS.beans, high, PAYEE)).toBeUndefined()
    // This one's own flag leads elsewhere: two readers agree where.
    const odd = bolt11.decode(VECTORS.highS)
    expect(signerOf(VECTORS.highS, `${odd.signature}0${odd.recoveryFlag}`, undefined)).toBe(odd.payeeNodeKey)
  })
})

describe('invoices', () => {
  const payee = new Payee()

  test('show the payee, whether it is named or not', () => {
    expect(invoice(payee.issue({}).invoice).payee).toBe(payee.id)
    expect(invoice(payee.issue({ named: payee.id }).invoice).payee).toBe(payee.id)
  })

  test('that name another node are refused', () => {
    expect(() => payee.issue({ named: PAYEE })).toThrow()
    const named = payee.issue({ named: payee.id }).invoice
    // The same words under another key's signature.
    const { paymentRequest = '' } = resigned(named)
    expect(why(paymentRequest)).toMatch(/not signed/)
  })

  test.each(['mainnet', 'testnet', 'signet', 'regtest'] as const)('on %s', (network) => {
    expect(invoice(payee.issue({ network }).invoice).network).toBe(network)
  })

  test('with a duplicate field are refused', () => {
    const twice = (options: InvoiceOptions): string => why(payee.issue(options).invoice)
    const other = '11'.repeat(32)
    expect(twice({ tags: [{ tagName: 'payment_hash', data: other }] })).toMatch(/payment hash/)
    expect(twice({ tags: [{ tagName: 'payment_secret', data: other }] })).toMatch(/payment secret/)
    expect(twice({ tags: [{ tagName: 'expire_time', data: 7 }] })).toMatch(/expiry/)
    expect(twice({ tags: [{ tagName: 'description', data: 'coffee' }] })).toMatch(/description/)
  })

  test('that are longer than any honest one are not decoded', () => {
    expect(why(`lnbc${'q'.repeat(5_000)}`)).toMatch(/too long/)
  })

  test('decode to the encoded values', () => {
    const options = fc.record({
      msat: fc.bigInt(1n, 10n ** 15n),
      timestamp: fc.integer({ min: 0, max: 2 ** 35 - 1 }),
      expiry: fc.option(fc.integer({ min: 1, max: 2 ** 31 }), { nil: undefined }),
      network: fc.constantFrom('mainnet', 'testnet', 'signet', 'regtest'),
      description: fc.string({ maxLength: 200 }),
    })
    fc.assert(
      fc.property(options, ({ msat, timestamp, expiry, network, description }) => {
        const issued = payee.issue({ msat, timestamp, expiry, network, description })
        expect(readInvoice(issued.invoice)).toEqual({
          text: issued.invoice,
          network,
          msat,
          hash: issued.hash,
          payee: payee.id,
          expires: (timestamp + (expiry ?? 3_600)) * 1000,
        })
      }),
      { numRuns: 60 },
    )
  })

  test('with one changed letter are never read as another', () => {
    const { invoice: text } = payee.issue({})
    const letters = fc.constantFrom(...'qpzry9x8gf2tvdw0s3jn54khce6mua7l1b')
    fc.assert(
      fc.property(fc.nat(text.length - 1), letters, (at, letter) => {
        const changed = text.slice(0, at) + letter + text.slice(at + 1)
        expect('unreadable' in readInvoice(changed)).toBe(changed !== text)
      }),
      { numRuns: 300 },
    )
  })

  test('with random text are refused without another error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((tail) => `lnbcrt1u1${tail}`),
        ),
        (text) => {
          expect(readInvoice(text)).toHaveProperty('unreadable')
        },
      ),
    )
  })
})

/** The same invoice, signed by somebody else. */
function resigned(text: string): { readonly paymentRequest?: string } {
  const { signature, recoveryFlag, paymentRequest, payeeNodeKey, prefix, wordsTemp, ...rest } = bolt11.decode(
    text,
    REGTEST,
  )
  const unnamed = rest.tags.filter(({ tagName }) => tagName !== 'payee_node_key')
  const signed = bolt11.sign(bolt11.encode({ ...rest, tags: unnamed, network: REGTEST }), '22'.repeat(32))
  // The library refuses to sign for another: so the words of the named one get the other's signature.
  return { paymentRequest: grafted(text, signed.paymentRequest ?? '') }
}

const REGTEST = { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, validWitnessVersions: [0, 1] }

function grafted(words: string, from: string): string {
  const body = words.slice(0, -110) + from.slice(-110, -6)
  return body + checksumOf(body)
}

/** Bech32's own (BIP 173). */
function checksumOf(body: string): string {
  const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
  const at = body.lastIndexOf('1')
  const prefix = [...body.slice(0, at)].map((letter) => letter.charCodeAt(0))
  const values = [
    ...prefix.map((code) => code >> 5),
    0,
    ...prefix.map((code) => code & 31),
    ...[...body.slice(at + 1)].map((letter) => alphabet.indexOf(letter)),
    ...[0, 0, 0, 0, 0, 0],
  ]
  const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
  let check = 1
  for (const value of values) {
    const top = check >> 25
    check = ((check & 0x1ffffff) << 5) ^ value
    for (const [bit, mask] of generator.entries()) if ((top >> bit) & 1) check ^= mask
  }
  check ^= 1
  return [5, 4, 3, 2, 1, 0].map((place) => alphabet[(check >> (5 * place)) & 31]).join('')
}
