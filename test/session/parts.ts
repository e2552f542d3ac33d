import type { Challenge } from '../../src/protocol/index.js'
import { RESERVE } from '../../src/session/challenge.js'
import { channelIdOf, type Identity } from '../../src/session/identity.js'
import type { Open, Opening } from '../../src/session/machine.js'
import { alphaUSD } from '../chain/chain.js'

export const PAYER = '0x1111111111111111111111111111111111111111' as const
export const PAYEE = '0x2222222222222222222222222222222222222222' as const
export const ESCROW = '0x3333333333333333333333333333333333333333'
export const TOKEN = '0x20c0000000000000000000000000000000000001'

const parties = {
  chainId: 31337,
  payer: PAYER,
  payee: PAYEE,
  token: TOKEN,
  salt: `0x${'44'.repeat(32)}`,
  signer: PAYER,
} as const

/** A channel of each protocol. */
export const v1 = { ...parties, protocol: 'v1', escrow: ESCROW } as const satisfies Identity
export const v2 = {
  ...parties,
  protocol: 'v2',
  escrow: RESERVE,
  operator: `0x${'0'.repeat(40)}`,
  openHash: `0x${'55'.repeat(32)}`,
} as const satisfies Identity

export const challenge: Challenge = {
  kind: 'tempo/session',
  id: 'challenge',
  realm: 'api.example',
  request: { amount: '10000' },
  expires: 1_000_000,
  echo: { envelope: 'mpp', params: { id: 'challenge', request: 'e30' }, header: 'authorization' },
}

const base = {
  lane: 'slot#0',
  slot: 'slot',
  wallet: 'tempo-session:0x1111',
  vendor: 'https://api.example',
  address: 'https://api.example/v1',
  identity: v2,
  id: channelIdOf(v2),
  currency: alphaUSD,
  base: 0n,
  funding: ['opened'],
  openedAt: 970,
  challenge,
}

export const opening: Opening = {
  ...base,
  state: 'opening',
  pending: { add: 100n, seen: `0x${'66'.repeat(32)}`, validBefore: 1_000 },
}
export const open: Open = { ...base, state: 'open', deposit: 100n }
