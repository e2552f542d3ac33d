import type { Hex } from '../wallet/tempo/index.js'
import { channelIdOf, type Identity, word } from './identity.js'

/** One call of a transaction. */
export interface Call {
  readonly to: Hex
  readonly data: Hex
}

/** Selectors of both escrows (draft-tempo-session-00, "Contract Functions"; TIP-1034), and of TIP-20's `approve`. */
const SELECTORS = {
  v1: { open: 'c79ea485', topUp: 'b67644b9', requestClose: '6bf5fe6f', withdraw: '8e19899e' },
  v2: { open: 'edc53b00', topUp: 'dc48471e', requestClose: '675402e5', withdraw: '41e2c664' },
} as const
const APPROVE = '095ea7b3'

type Opening = Identity extends infer One ? (One extends unknown ? Omit<One, 'openHash'> : never) : never

/** Creates the calls that lock the deposit. v1 takes it by an allowance, which the same transaction grants. */
export function openCalls(opening: Opening, deposit: bigint): readonly Call[] {
  const { escrow, payee, token, salt, signer } = opening
  const amount = deposit.toString(16)
  if (opening.protocol === 'v1') {
    const open = call(escrow, SELECTORS.v1.open, [payee, token, amount, salt, signer])
    return [approve(token, escrow, amount), open]
  }
  return [call(escrow, SELECTORS.v2.open, [payee, opening.operator, token, amount, salt, signer])]
}

export function topUpCalls(identity: Identity, more: bigint): readonly Call[] {
  const { protocol, token, escrow } = identity
  const amount = more.toString(16)
  const topUp = call(escrow, SELECTORS[protocol].topUp, [...nameOf(identity), amount])
  return protocol === 'v1' ? [approve(token, escrow, amount), topUp] : [topUp]
}

export function requestCloseCalls(identity: Identity): readonly Call[] {
  return [call(identity.escrow, SELECTORS[identity.protocol].requestClose, nameOf(identity))]
}

export function withdrawCalls(identity: Identity): readonly Call[] {
  return [call(identity.escrow, SELECTORS[identity.protocol].withdraw, nameOf(identity))]
}

/** Names a channel in a call: by its id in v1, by its whole descriptor in v2. */
function nameOf(identity: Identity): readonly string[] {
  if (identity.protocol === 'v1') return [channelIdOf(identity)]
  const { payer, payee, operator, token, salt, signer, openHash } = identity
  return [payer, payee, operator, token, salt, signer, openHash]
}

function approve(token: Hex, escrow: Hex, amount: string): Call {
  return call(token, APPROVE, [escrow, amount])
}

function call(to: Hex, selector: string, values: readonly string[]): Call {
  return { to, data: `0x${selector}${values.map(word).join('')}` }
}
