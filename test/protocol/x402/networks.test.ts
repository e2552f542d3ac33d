import { EVM_NETWORK_CHAIN_ID_MAP } from '@x402/evm/v1'
import { expect, it, test } from 'vitest'
import { x402Network } from '../../../src/protocol/index.js'

test.each(Object.entries(EVM_NETWORK_CHAIN_ID_MAP))('%s is chain %d', (name, id) => {
  expect(x402Network(name)).toBe(`eip155:${id}`)
})

it('returns ids unchanged', () => {
  expect(x402Network('eip155:84532')).toBe('eip155:84532')
  expect(x402Network('solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp')).toBe(
    'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
  )
})

test.each(['', 'Base', 'base ', 'constructor', '__proto__', 'eip155:', 'a:b', 'eip155:1:2', 'atlantis'])(
  '%j is unknown',
  (name) => {
    expect(x402Network(name)).toBeUndefined()
  },
)
