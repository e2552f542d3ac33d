import { encodeFunctionData, parseAbi } from 'viem/utils'
import { approveCall, type Call } from '../wallet/tempo/shared.js'
import { channelIdOf, descriptorOf, type Identity } from './identity.js'

/** The escrow of v1 (draft-tempo-session-00, "Contract Functions"). */
export const ESCROW_ABI = parseAbi([
  'struct Channel { bool finalized; uint64 closeRequestedAt; address payer; address payee; address token; address authorizedSigner; uint128 deposit; uint128 settled; }',
  'function open(address payee, address token, uint128 deposit, bytes32 salt, address authorizedSigner)',
  'function topUp(bytes32 channelId, uint256 additionalDeposit)',
  'function requestClose(bytes32 channelId)',
  'function withdraw(bytes32 channelId)',
  'function getChannel(bytes32 channelId) view returns (Channel)',
])

/** The reserve of v2 (TIP-1034). */
export const RESERVE_ABI = parseAbi([
  'struct Descriptor { address payer; address payee; address operator; address token; bytes32 salt; address authorizedSigner; bytes32 expiringNonceHash; }',
  'struct State { uint96 settled; uint96 deposit; uint32 closeRequestedAt; }',
  'function open(address payee, address operator, address token, uint96 deposit, bytes32 salt, address authorizedSigner)',
  'function topUp(Descriptor descriptor, uint96 additionalDeposit)',
  'function requestClose(Descriptor descriptor)',
  'function withdraw(Descriptor descriptor)',
  'function getChannelState(bytes32 channelId) view returns (State)',
])

type Opening = Identity extends infer One ? (One extends unknown ? Omit<One, 'openHash'> : never) : never

/** Creates the calls that lock the deposit. v1 takes it by an allowance, which the same transaction grants. */
export function openCalls(opening: Opening, deposit: bigint): readonly Call[] {
  const { escrow: to, payee, token, salt, signer } = opening
  const functionName = 'open'
  if (opening.protocol === 'v1') {
    const args = [payee, token, deposit, salt, signer] as const
    const data = encodeFunctionData({ abi: ESCROW_ABI, functionName, args })
    return [approveCall(token, to, deposit), { to, data }]
  }
  const args = [payee, opening.operator, token, deposit, salt, signer] as const
  return [{ to, data: encodeFunctionData({ abi: RESERVE_ABI, functionName, args }) }]
}

export function topUpCalls(identity: Identity, more: bigint): readonly Call[] {
  const { escrow: to, token } = identity
  const functionName = 'topUp'
  if (identity.protocol === 'v1') {
    const args = [channelIdOf(identity), more] as const
    const data = encodeFunctionData({ abi: ESCROW_ABI, functionName, args })
    return [approveCall(token, to, more), { to, data }]
  }
  const args = [descriptorOf(identity), more] as const
  return [{ to, data: encodeFunctionData({ abi: RESERVE_ABI, functionName, args }) }]
}

export function requestCloseCalls(identity: Identity): readonly Call[] {
  return [endCall(identity, 'requestClose')]
}

export function withdrawCalls(identity: Identity): readonly Call[] {
  return [endCall(identity, 'withdraw')]
}

function endCall(identity: Identity, functionName: 'requestClose' | 'withdraw'): Call {
  const data =
    identity.protocol === 'v1'
      ? encodeFunctionData({ abi: ESCROW_ABI, functionName, args: [channelIdOf(identity)] })
      : encodeFunctionData({ abi: RESERVE_ABI, functionName, args: [descriptorOf(identity)] })
  return { to: identity.escrow, data }
}
