import { describe, expect, it } from 'vitest'
import { readCurrencies } from '../../src/config/currencies.js'

const ALPHA = {
  network: 'eip155:31337',
  address: '0x20C0000000000000000000000000000000000001',
  symbol: 'AlphaUSD',
  decimals: 6,
  peg: 'iso4217:USD',
}

describe('currencies from a file', () => {
  it('are tokens with ids in lower case', () => {
    expect(readCurrencies(JSON.stringify([ALPHA]))).toEqual([
      {
        id: 'eip155:31337/erc20:0x20c0000000000000000000000000000000000001',
        symbol: 'AlphaUSD',
        decimals: 6,
        peg: 'iso4217:USD',
      },
    ])
  })

  it.each([
    ['not JSON', '[', /not JSON/],
    ['no list', '{}', /a list/],
    ['an entry that is no object', '[1]', /Currency 0 needs a network/],
    ['a network without a namespace', JSON.stringify([{ ...ALPHA, network: '31337' }]), /needs a network/],
    ['an address that is none', JSON.stringify([{ ...ALPHA, address: '0x20' }]), /address/],
    ['no symbol', JSON.stringify([{ ...ALPHA, symbol: 1 }]), /symbol/],
    ['decimals as text', JSON.stringify([{ ...ALPHA, decimals: '6' }]), /needs decimals/],
    ['too many decimals', JSON.stringify([{ ...ALPHA, decimals: 77 }]), /decimals from 0 to 36/],
    ['a peg that is no id', JSON.stringify([{ ...ALPHA, peg: 1 }]), /peg/],
    [
      'other decimals for a known token',
      JSON.stringify([
        {
          ...ALPHA,
          network: 'eip155:4217',
          address: '0x20c0000000000000000000000000000000000000',
          decimals: 18,
        },
      ]),
      /already known/,
    ],
  ])('refuses %s', (_, text, message) => {
    expect(() => readCurrencies(text)).toThrow(
      expect.objectContaining({ code: 'invalid_config', message: expect.stringMatching(message) }),
    )
  })
})
