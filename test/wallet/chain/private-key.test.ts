import { privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import * as evm from '../../../src/entry/wallet-evm.js'
import { parsePrivateKey } from '../../../src/entry/wallet-tempo.js'

const DIGITS = 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'

test.each([
  ['digits', DIGITS],
  ['digits with 0x', `0x${DIGITS}`],
  ['capital digits', DIGITS.toUpperCase()],
  ['what a file with a last line break holds', ` 0x${DIGITS}\n`],
])('reads a key that is given as %s', (_, text) => {
  expect(privateKeyToAccount(parsePrivateKey(text)).address).toBe(
    '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
  )
})

test('both wallets on chains export it', () => {
  expect(evm.parsePrivateKey).toBe(parsePrivateKey)
})

const ORDER = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'

test.each<[string, unknown, RegExp]>([
  ['a variable that is not set', undefined, /is the environment variable that should hold it set\?/],
  ['an empty variable', ' ', /is the environment variable that should hold it set\?/],
  ['a key with a digit too few', DIGITS.slice(1), /64 hexadecimal digits.* a text of 63 characters/],
  ['an address', `0x${DIGITS.slice(0, 40)}`, /as long as an address/],
  ['a phrase', `${'test '.repeat(11)}junk`, /mnemonicToAccount/],
  ['no text', 42, /not a string but a number/],
  ['zero', '0'.repeat(64), /zero or too large/],
  ['a number that is too large', ORDER, /zero or too large/],
])('refuses %s, says what is wrong, and never quotes it', (_, text, message) => {
  const read = (): unknown => Reflect.apply(parsePrivateKey, undefined, [text])
  expect(read).toThrow(TypeError)
  expect(read).toThrow(message)
  if (typeof text === 'string' && text.trim() !== '')
    expect(read).not.toThrow(new RegExp(text.trim().slice(2, 12)))
})
