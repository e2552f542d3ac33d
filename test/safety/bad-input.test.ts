import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { createPurser } from '../../src/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { against, KEY, policyFor } from './kit.js'
import { CENT, CHAIN_ID, type Offer, PAYEE, THIEF, TOKEN } from './offers.js'

/** An offer that cannot be paid: nothing is signed, held or lost, and the caller learns which and why. */
async function refusalOf(offer: Offer, code: string): Promise<string> {
  await using set = await against((visit) => (visit.seen.credential ? visit.serve() : visit.ask(offer)))
  const { payer, server } = set
  const got = await payer.call('/a')
  expect([got.status, got.code, got.funds]).toEqual([402, code, 'untouched'])
  expect([payer.signatures, server.paid.length, await payer.counted()]).toEqual([0, 0, 0])
  return JSON.parse(got.body ?? '{}').detail
}

describe('an amount', () => {
  it.each([
    ['negative', '-10000'],
    ['a fraction', '10000.5'],
    ['a fraction of nothing', '10000.0'],
    ['hexadecimal', '0x2710'],
    ['with an exponent', '1e4'],
    ['with a plus', '+10000'],
    ['with zeros in front', '0010000'],
    ['with a space', ' 10000'],
    ['with a line break', '10000\n'],
    ['with separators', '10,000'],
    ['with underscores', '10_000'],
    ['in Arabic digits', '١٠٠٠٠'],
    ['in full-width digits', '１００００'],
    ['empty', ''],
    ['beyond 2^256', String(2n ** 256n)],
    ['a thousand digits', '9'.repeat(1_000)],
    ['a number', 10_000],
    ['not a number', Number.NaN],
    ['a list', ['10000']],
    ['an object', { value: '10000' }],
    ['true', true],
    ['null', null],
    ['words', 'one cent'],
    ['Infinity', 'Infinity'],
  ])('that is %s is no amount', async (_, amount) => {
    expect(await refusalOf({ amount }, 'refused')).toMatch(/amount is not a plain decimal integer/)
  })

  it('as large as a word can say is too much', async () => {
    const message = await refusalOf({ amount: String(2n ** 256n - 1n) }, 'insufficient_funds')
    expect(message).toMatch(/this payment needs \d+\.\d+ AlphaUSD/)
  })

  it('just above the limit is too much', async () => {
    expect(await refusalOf({ amount: String(CENT * 10n + 1n) }, 'refused')).toMatch(/at most 0.1 USD/)
  })
})

describe('a token', () => {
  it.each<readonly [string, Offer, string, RegExp]>([
    [
      'that nobody knows',
      { currency: `0x20c${'0'.repeat(34)}bad` },
      'unknown_currency',
      /not a known currency/,
    ],
    ['by its symbol', { currency: 'AlphaUSD' }, 'refused', /not a token address/],
    ['too short', { currency: TOKEN.slice(0, -1) }, 'refused', /not a token address/],
    ['that is nothing', { currency: `0x${'0'.repeat(40)}` }, 'refused', /not a token address/],
    ['that is a list', { currency: [TOKEN] }, 'refused', /not a token address/],
    ['of another chain', { chainId: 1 }, 'wrong_chain', /no node for eip155:1/],
    [
      'of a test network that policy does not name',
      { chainId: 42431 },
      'refused',
      /not allowed by the policy/,
    ],
    ['of a chain that is a text', { chainId: '31337' }, 'refused', /chainId is not a positive integer/],
    ['of a chain below zero', { chainId: -1 }, 'refused', /chainId is not a positive integer/],
    ['of half a chain', { chainId: 31337.5 }, 'refused', /chainId is not a positive integer/],
  ])('%s is not paid', async (_, offer, code, message) => {
    expect(await refusalOf(offer, code)).toMatch(message)
  })
})

describe('a recipient', () => {
  it.each([
    ['that is missing', null],
    ['that is a name', 'shop.eth'],
    ['that is too short', PAYEE.slice(0, -2)],
    ['that is too long', `${PAYEE}00`],
    ['that is nobody', `0x${'0'.repeat(40)}`],
    ['with a letter that is no digit', PAYEE.replace('7', 'g')],
    ['that is a list', [PAYEE]],
  ])('%s is not paid', async (_, recipient) => {
    expect(await refusalOf({ recipient }, 'refused')).toMatch(/recipient is not an address/)
  })
})

describe('splits', () => {
  const split = (amount: unknown, recipient: unknown = THIEF, memo?: unknown) => ({ amount, recipient, memo })
  it.each<readonly [string, unknown, RegExp]>([
    ['over the sum', [split(String(CENT + 1n))], /leave nothing/],
    ['of the whole sum', [split(String(CENT))], /leave nothing/],
    ['that add up to it', [split('6000'), split('4000')], /leave nothing/],
    ['of nothing', [split('0')], /above zero/],
    ['below nothing', [split('-1')], /above zero/],
    ['that are no list', { amount: '1' }, /not a list/],
    ['that are none', [], /not a list/],
    ['to nobody', [split('1', 'nobody')], /above zero with a recipient/],
    ['with half a memo', [split('1', THIEF, '0x1234')], /above zero with a recipient/],
    ['without end', Array.from({ length: 11 }, () => split('1')), /more than 10/],
  ])('%s are not paid', async (_, splits, message) => {
    expect(await refusalOf({ splits }, 'refused')).toMatch(message)
  })
})

describe('an expiry', () => {
  it('in the past is too late', async () => {
    const expires = new Date(Date.now() - 1_000).toISOString()
    expect(await refusalOf({ expires }, 'wallet_failed')).toMatch(/expired/)
  })

  it('in a moment is too soon', async () => {
    const expires = new Date(Date.now() + 2_000).toISOString()
    expect(await refusalOf({ expires }, 'wallet_failed')).toMatch(/too little time/)
  })

  it.each(['soon', '1767225600', '2026-13-45T00:00:00Z', '2026-01-01', '', '٢٠٢٦-٠١-٠١T00:00:00Z'])(
    'that cannot be read makes it no offer: %s',
    async (expires) => {
      await using set = await against((visit) =>
        visit.ask({ expires: Buffer.from(expires).toString('latin1') }),
      )
      expect((await set.payer.call('/a')).status).toBe(402)
      expect([set.payer.signatures, (await set.payer.payments()).length]).toEqual([0, 0])
    },
  )

  it('that is missing does not make a payment live longer', async () => {
    await using set = await against((visit) =>
      visit.seen.credential ? visit.serve() : visit.ask({ expires: undefined }),
    )
    expect((await set.payer.call('/a')).status).toBe(200)
    const [payment] = await set.payer.payments()
    const { validBefore } = Object(payment?.attempts[0]?.evidence.detail)
    expect(validBefore * 1000).toBeLessThanOrEqual(Date.now() + 25_000)
  })
})

describe('an offer', () => {
  it.each<readonly [string, Offer]>([
    ['without an id', { id: '' }],
    ['of a method with capital letters', { method: 'TEMPO' }],
    ['for another header', { header: 'x-credential' }],
  ])('%s is none: the 402 is handed on', async (_, offer) => {
    await using set = await against((visit) => visit.ask(offer))
    const got = await set.payer.call('/a')
    expect([got.status, got.code, set.payer.signatures]).toEqual([402, undefined, 0])
  })

  it.each(['sha-256=:AAAA:', 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'])(
    'for another body is not paid: %s',
    async (digest) => {
      await using set = await against((visit) => visit.ask({ digest }))
      const got = await set.payer.call('/a', { method: 'POST', body: 'tea' })
      expect([got.code, got.funds, set.payer.signatures]).toEqual(['digest_mismatch', 'untouched', 0])
    },
  )

  it.each<readonly [string, Offer]>([
    ['feePayer', { feePayer: 'yes' }],
    [
      'supportedModes',
      { extra: { methodDetails: { chainId: CHAIN_ID, supportedModes: ['carrier-pigeon'] } } },
    ],
    ['methodDetails', { extra: { methodDetails: 'none' } }],
  ])('with a %s that says nothing known is not paid', async (name, offer) => {
    expect(await refusalOf(offer, 'refused')).toContain(name)
  })
})

describe('an account without money', () => {
  it('pays nothing, and learns what is missing', async () => {
    await using set = await against('honest')
    set.payer.node.balance = 9_999n
    const got = await set.payer.call('/a')
    expect([got.code, got.funds]).toEqual(['insufficient_funds', 'untouched'])
    expect(got.body).toContain('holds 0.009999 AlphaUSD')
    expect(set.payer.signatures).toBe(0)
  })
})

const account = privateKeyToAccount(KEY)

/** Options as a caller without types would pass them. */
const wallet = (options: object | undefined): unknown => Reflect.apply(tempo, undefined, [options])

describe('wallet options', () => {
  it.each<readonly [string, object | undefined, RegExp]>([
    ['none', undefined, /needs an account/],
    ['no account', {}, /needs an account/],
    ['an address alone', { account: account.address }, /needs an account/],
    [
      'an account that signs nothing',
      { account: { address: account.address, type: 'json-rpc' } },
      /sign hashes/,
    ],
    ['a key for an account', { account: KEY }, /needs an account/],
    ['a node without a URL', { account, rpc: { 4217: 'localhost' } }, /rpc\[4217\] must be/],
    ['a node over a file', { account, rpc: { 4217: 'file:///etc/passwd' } }, /rpc\[4217\] must be/],
    ['no node in a list', { account, rpc: { 4217: [] } }, /rpc\[4217\] must be/],
    ['a chain that is none', { account, rpc: { tempo: 'https://rpc.example' } }, /chain id/],
    ['half a lane', { account, lanes: 1.5 }, /lanes must be/],
    ['lanes below zero', { account, lanes: -1 }, /lanes must be/],
    ['too many lanes', { account, lanes: 1_000 }, /lanes must be/],
    ['a life of a day', { account, validityMs: 86_400_000 }, /validityMs must be/],
    ['a life of a moment', { account, validityMs: 1 }, /validityMs must be/],
    ['another mode', { account, mode: 'both' }, /mode must be/],
    ['a fee token by name', { account, feeToken: { 4217: 'USD' } }, /feeToken\[4217\] must be/],
    ['a gas price that is a number', { account, maxFeePerGas: 5 }, /maxFeePerGas must be/],
    ['a gas price below zero', { account, maxFeePerGas: -5n }, /maxFeePerGas must be/],
    [
      'a currency with odd decimals',
      { account, currencies: [{ id: 'iso4217:XXX', symbol: 'X', decimals: 1.5 }] },
      /decimals/,
    ],
  ])('%s: said at once', (_, options, message) => {
    expect(() => wallet(options)).toThrow(TypeError)
    expect(() => wallet(options)).toThrow(message)
  })

  it('never repeat a key', () => {
    for (const options of [
      { account: KEY },
      { account, rpc: { 4217: KEY } },
      { account, feeToken: { 4217: KEY } },
    ]) {
      let said = ''
      try {
        wallet(options)
      } catch (error) {
        said = String(error)
      }
      expect(said).not.toBe('')
      expect(said).not.toContain(KEY.slice(2))
    }
  })
})

describe('purser options', () => {
  const wallets = [tempo({ account })]
  const policy = policyFor('https://api.example.com')
  const make = (options: object | undefined): unknown => Reflect.apply(createPurser, undefined, [options])
  it.each<readonly [string, object | undefined, RegExp]>([
    ['none', undefined, /needs options/],
    ['no wallets', { policy }, /wallets must be a list/],
    ['an empty list of wallets', { policy, wallets: [] }, /at least one wallet/],
    ['a wallet that is none', { policy, wallets: [{}] }, /wallets\[0\] is not a wallet/],
    [
      'two wallets of one name',
      { policy, wallets: [...wallets, tempo({ account })] },
      /Two wallets have the id/,
    ],
    ['no policy', { wallets }, /needs a policy/],
    [
      'a policy without limits',
      { wallets, policy: { vendors: policy.vendors } },
      /perPayment|budget|unlimited/,
    ],
    ['an unknown rule', { wallets, policy: { ...policy, perPaymnet: '1' } }, /perPaymnet/],
    ['a limit that is a number', { wallets, policy: { ...policy, perPayment: 0.1 } }, /perPayment/],
    ['a limit below zero', { wallets, policy: { ...policy, perPayment: '-1 USD' } }, /perPayment/],
    ['an agent without a name', { wallets, policy, agent: ' ' }, /agent must be a name/],
    ['no patience at all', { wallets, policy, patience: -1 }, /patience must be/],
    [
      'patience without end',
      { wallets, policy, doubtWindow: Number.POSITIVE_INFINITY },
      /doubtWindow must be/,
    ],
    ['another way to refuse', { wallets, policy, onRefusal: 'ignore' }, /onRefusal must be/],
  ])('%s: said at once', (_, options, message) => {
    expect(() => make(options)).toThrow(message)
  })
})
