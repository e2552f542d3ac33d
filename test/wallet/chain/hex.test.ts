import { expect, it } from 'vitest'
import { withRecovery } from '../../../src/wallet/chain/index.js'

it('a signature gets a recovery id as contracts require it', () => {
  const body = 'ab'.repeat(64)
  expect(withRecovery(`0x${body}00`)).toBe(`0x${body}1b`)
  expect(withRecovery(`0x${body}01`)).toBe(`0x${body}1c`)
  expect(withRecovery(`0x${body}1c`)).toBe(`0x${body}1c`)
  expect(withRecovery('0x01')).toBe('0x01')
})
