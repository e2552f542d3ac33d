import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  counterKey,
  type Dimensions,
  inScope,
  noBetter,
  noWorse,
  type Terms,
  taskKeys,
  termsKey,
} from '../../src/policy/index.js'
import { type TermsSpec, terms } from './fixtures.js'

const FEW = ['0', '0.01', '0.02'] as const
const price = fc.constantFrom(...FEW)
const optional = fc.option(price, { nil: undefined })

/** Terms out of few values, so that many pairs compare. */
const anyTerms: fc.Arbitrary<Terms> = fc
  .record({
    price,
    fee: optional,
    locks: optional,
    exact: fc.boolean(),
    currency: fc.constantFrom('pathUSD', 'USDCe'),
    purpose: fc.constantFrom('pay', 'prove'),
    payees: fc.dictionary(fc.constantFrom('x', 'y'), price, { maxKeys: 2 }),
  })
  .map(({ fee, locks, ...rest }) => {
    const spec: TermsSpec = { ...rest, ...(fee ? { fee } : {}), ...(locks ? { locks } : {}) }
    return terms(spec)
  })

describe('no worse', () => {
  const given = terms({ price: '0.02', fee: '0.02', locks: '1', payees: { x: '0.01', y: '0.01' } })
  const spec: TermsSpec = { price: '0.02', fee: '0.02', locks: '1', payees: { x: '0.01', y: '0.01' } }
  const worse: readonly (readonly [string, TermsSpec])[] = [
    ['a higher price', { price: '0.03' }],
    ['another currency', { currency: 'USDCe' }],
    ['another purpose', { purpose: 'fund' }],
    ['another kind', { kind: 'tempo/session' }],
    ['another network', { network: 'eip155:42431' }],
    ['not exact any more', { exact: false }],
    ['a higher fee', { fee: '0.03' }],
    ['a fee in another currency', { feeCurrency: 'USDCe' }],
    ['a higher deposit', { locks: '1.01' }],
    ['another escrow', { escrow: '0xee' }],
    ['another payee', { payees: { x: '0.01', z: '0.01' } }],
    ['one payee more', { payees: { x: '0.01', y: '0.005', z: '0.005' } }],
    ['a larger share', { payees: { x: '0.02' } }],
    ['nobody named', { payees: {} }],
  ]
  it.each(worse)('is not %s', (_name, over) => {
    expect(noWorse(terms({ ...spec, ...over }), given)).toBe(false)
  })

  const better: readonly (readonly [string, TermsSpec])[] = [
    ['the same', {}],
    ['a lower price', { price: '0.01' }],
    ['a lower fee', { fee: '0.01' }],
    ['a lower deposit', { locks: '0.5' }],
    ['fewer payees', { payees: { x: '0.01' } }],
    ['payees in another order', { payees: { y: '0.01', x: '0.01' } }],
  ]
  it.each(better)('is %s', (_name, over) => {
    expect(noWorse(terms({ ...spec, ...over }), given)).toBe(true)
  })

  it('allows a missing fee and deposit, but not a new one', () => {
    const plain: TermsSpec = { price: '0.02', payees: { x: '0.01', y: '0.01' } }
    expect(noWorse(terms(plain), given)).toBe(true)
    expect(noWorse(terms({ ...plain, fee: '0' }), terms(plain))).toBe(false)
    expect(noWorse(terms({ ...plain, locks: '0' }), terms(plain))).toBe(false)
  })

  it('may become exact, but never the other way', () => {
    expect(noWorse(terms({ exact: true }), terms({ exact: false }))).toBe(true)
    expect(noWorse(terms({ exact: false }), terms({ exact: true }))).toBe(false)
  })

  it('sums the amounts of a repeated payee', () => {
    const once = terms({ price: '0.02', payees: { x: '0.01' } })
    const twice: Terms = { ...once, payees: [...once.payees, ...once.payees] }
    expect(noWorse(twice, once)).toBe(false)
    expect(noWorse(once, twice)).toBe(true)
    expect(termsKey(twice)).toBe(termsKey(terms({ price: '0.02', payees: { x: '0.02' } })))
  })

  it('is a partial order', () => {
    fc.assert(
      fc.property(anyTerms, anyTerms, anyTerms, (a, b, c) => {
        expect(noWorse(a, a)).toBe(true)
        if (noWorse(a, b) && noWorse(b, a)) expect(termsKey(a)).toBe(termsKey(b))
        if (noWorse(a, b) && noWorse(b, c)) expect(noWorse(a, c)).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('terms that are not better than denied ones', () => {
  const denied = terms({ price: '0.02', payees: { x: '0.02' }, fee: '0.01' })
  it.each([
    ['the same', { price: '0.02', payees: { x: '0.02' }, fee: '0.01' }, true],
    ['dearer', { price: '0.03', payees: { x: '0.03' }, fee: '0.01' }, true],
    ['with a deposit', { price: '0.02', payees: { x: '0.02' }, fee: '0.01', locks: '1' }, true],
    ['of an open price', { price: '0.02', payees: { x: '0.02' }, fee: '0.01', exact: false }, true],
    ['with a lower fee of the network', { price: '0.02', payees: { x: '0.02' } }, true],
    ['cheaper', { price: '0.01', payees: { x: '0.01' }, fee: '0.01' }, false],
    ['to somebody else', { price: '0.02', payees: { y: '0.02' }, fee: '0.01' }, false],
    ['in another currency', { price: '0.02', payees: { x: '0.02' }, currency: 'USDCe' }, false],
  ] as const)('%s', (_name, spec, expected) => {
    expect(noBetter(terms(spec), denied)).toBe(expected)
  })
})

describe('the key of terms', () => {
  it('is equal for equal terms only', () => {
    fc.assert(
      fc.property(anyTerms, anyTerms, (a, b) => {
        expect(termsKey(a) === termsKey(b)).toBe(noWorse(a, b) && noWorse(b, a))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('tasks', () => {
  it('nest', () => {
    expect(taskKeys(['a', 'b', 'c'])).toEqual(['a', 'a/b', 'a/b/c'])
    expect(taskKeys([])).toEqual([])
    expect(taskKeys([''])).toEqual([])
  })

  it('cannot imitate one another', () => {
    expect(taskKeys(['a/b'])).toEqual(['a%2Fb'])
    const names = fc.array(fc.constantFrom('a', 'a/', '/a', '%2F', 'a/b', '%', 'b'), {
      minLength: 1,
      maxLength: 3,
    })
    fc.assert(
      fc.property(names, names, (one, two) => {
        const same = JSON.stringify(one) === JSON.stringify(two)
        expect(taskKeys(one).at(-1) === taskKeys(two).at(-1)).toBe(same)
      }),
    )
  })
})

describe('scope', () => {
  const paid: Dimensions = {
    policy: 'p',
    agent: 'a',
    tasks: ['t', 't/u'],
    vendor: 'https://api.shop.example',
    payees: { '0x1': 5n },
    category: 'food,search',
    tool: 'find',
    network: 'eip155:4217',
    grant: 'g',
    unit: 'iso4217:USD',
  }
  const bare: Dimensions = {
    policy: 'p',
    agent: 'a',
    tasks: [],
    vendor: 'mcp:x',
    payees: {},
    network: 'n',
    unit: 'iso4217:USD',
  }

  it.each([
    [{ policy: 'p' }, true],
    [{ policy: 'q' }, false],
    [{ grant: 'g' }, true],
    [{ grant: 'h' }, false],
    [{ policy: 'p', unit: 'iso4217:USD' }, true],
    [{ policy: 'p', unit: 'iso4217:JPY' }, false],
    [{ policy: 'p', agent: 'a' }, true],
    [{ policy: 'p', agent: 'b' }, false],
    [{ policy: 'p', task: 't' }, true],
    [{ policy: 'p', task: 't/u' }, true],
    [{ policy: 'p', task: 'u' }, false],
    [{ policy: 'p', task: '' }, false],
    [{ policy: 'p', vendor: 'https://api.shop.example' }, true],
    [{ policy: 'p', vendor: 'https://*.shop.example' }, true],
    [{ policy: 'p', vendor: 'https://*.example' }, true],
    [{ policy: 'p', vendor: 'https://*.api.shop.example' }, false],
    [{ policy: 'p', payee: '0x1' }, true],
    [{ policy: 'p', payee: '0x2' }, false],
    [{ policy: 'p', payee: '' }, false],
    [{ policy: 'p', category: 'food' }, true],
    [{ policy: 'p', category: 'food,search' }, false],
    [{ policy: 'p', category: '' }, false],
    [{ policy: 'p', tool: 'find' }, true],
    [{ policy: 'p', tool: '' }, false],
    [{ policy: 'p', network: 'eip155:4217' }, true],
    [{ policy: 'p', network: 'n' }, false],
    [{ policy: 'p', grant: 'g' }, true],
    [{ policy: 'p', grant: 'h' }, false],
  ])('%j: %s', (scope, expected) => {
    expect(inScope(scope, paid)).toBe(expected)
  })

  it.each(['task', 'payee', 'category', 'tool'] as const)(
    'an empty %s matches payments without one',
    (dimension) => {
      expect(inScope({ policy: 'p', [dimension]: '' }, bare)).toBe(true)
      expect(inScope({ policy: 'p', [dimension]: 'x' }, bare)).toBe(false)
      expect(inScope({ policy: 'p', grant: 'g' }, bare)).toBe(false)
    },
  )

  it('has one key for every order of its names', () => {
    const one = counterKey({ counts: 'spend', window: 'ever', scope: { policy: 'p', agent: 'a', task: 't' } })
    const two = counterKey({ counts: 'spend', window: 'ever', scope: { task: 't', agent: 'a', policy: 'p' } })
    expect(one).toBe(two)
    expect(counterKey({ counts: 'lock', window: 'ever', scope: { policy: 'p' } })).not.toBe(
      counterKey({ counts: 'spend', window: 'ever', scope: { policy: 'p' } }),
    )
  })
})
