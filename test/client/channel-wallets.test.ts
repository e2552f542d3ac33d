import { privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { isChannelWallet } from '../../src/client/session.js'
import { tempoSession } from '../../src/session/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'

const options = { account: privateKeyToAccount(`0x${'17'.repeat(32)}`), rpc: { 4217: 'http://127.0.0.1:1' } }

test('a wallet of sessions keeps channels, and a wallet of charges does not', () => {
  expect(isChannelWallet(tempoSession(options))).toBe(true)
  expect(isChannelWallet(tempo(options))).toBe(false)
})
