import { type Address, encodeFunctionData, type Hex, parseAbi, parseSignature } from 'viem'
import type { Credential, Json, JsonObject } from '../../src/protocol/index.js'
import { EXACT_PROXY, UPTO_PROXY } from '../../src/wallet/evm/typed.js'
import { asHex, type EvmChain } from './chain.js'

const splitAbi = parseAbi([
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
  'function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
])

/** What a server does with an authorization. Rejects where the token refuses it. */
export function settleAuthorization(
  chain: EvmChain,
  { payload }: Pick<Credential, 'payload'>,
  token: Address = chain.dollarAddress,
): Promise<Hex> {
  const authorization = isObject(payload['authorization']) ? payload['authorization'] : payload
  const text = (name: string) => String(authorization[name])
  const [v, r, s] = split(asHex(String(payload['signature'])))
  const data = encodeFunctionData({
    abi: splitAbi,
    functionName: 'transferWithAuthorization',
    args: [
      asHex(text('from')),
      asHex(text('to')),
      BigInt(text('value')),
      BigInt(text('validAfter')),
      BigInt(text('validBefore')),
      asHex(text('nonce')),
      v,
      r,
      s,
    ],
  })
  return chain.send(chain.facilitator, token, data)
}

/** A cancellation, as calldata. */
export function cancelCall(authorizer: Address, nonce: Hex, signature: Hex): Hex {
  const [v, r, s] = split(signature)
  return encodeFunctionData({
    abi: splitAbi,
    functionName: 'cancelAuthorization',
    args: [authorizer, nonce, v, r, s],
  })
}

const exactAbi = parseAbi([
  'struct Permitted { address token; uint256 amount; }',
  'struct Permit { Permitted permitted; uint256 nonce; uint256 deadline; }',
  'struct Witness { address to; uint256 validAfter; }',
  'function settle(Permit permit, address owner, Witness witness, bytes signature)',
])
const uptoAbi = parseAbi([
  'struct Permitted { address token; uint256 amount; }',
  'struct Permit { Permitted permitted; uint256 nonce; uint256 deadline; }',
  'struct Witness { address to; address facilitator; uint256 validAfter; }',
  'function settle(Permit permit, uint256 amount, address owner, Witness witness, bytes signature)',
])

/** What a facilitator does with a permit: for an exact price, or for as much of a ceiling as it says. */
export function settlePermit(
  chain: EvmChain,
  { payload }: Pick<Credential, 'payload'>,
  amount?: bigint,
): Promise<Hex> {
  const said = objectIn(payload, 'permit2Authorization')
  const permitted = objectIn(said, 'permitted')
  const witness = objectIn(said, 'witness')
  const signature = asHex(String(payload['signature']))
  const whole = {
    permitted: { token: asHex(String(permitted['token'])), amount: BigInt(String(permitted['amount'])) },
    nonce: BigInt(String(said['nonce'])),
    deadline: BigInt(String(said['deadline'])),
  }
  const owner = asHex(String(said['from']))
  const to = asHex(String(witness['to']))
  if (amount === undefined) {
    const args = [whole, owner, { to, validAfter: 0n }, signature] as const
    const data = encodeFunctionData({ abi: exactAbi, functionName: 'settle', args })
    return chain.send(chain.facilitator, EXACT_PROXY, data)
  }
  const facilitator = asHex(String(witness['facilitator']))
  const args = [whole, amount, owner, { to, facilitator, validAfter: 0n }, signature] as const
  return chain.send(
    chain.facilitator,
    UPTO_PROXY,
    encodeFunctionData({ abi: uptoAbi, functionName: 'settle', args }),
  )
}

function split(signature: Hex): readonly [v: number, r: Hex, s: Hex] {
  const { r, s, yParity } = parseSignature(signature)
  return [27 + yParity, r, s]
}

function objectIn(object: JsonObject, name: string): JsonObject {
  const value = object[name]
  if (!isObject(value)) throw new Error(`no ${name}`)
  return value
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
