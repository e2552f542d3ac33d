import { decodeFunctionResult, encodeFunctionData, parseAbi } from 'viem/utils'
import { PaymentError } from '../../errors/index.js'
import { decodeUint, type Hex, lower, type Node, readContract } from '../chain/index.js'
import type { Config } from './options.js'
import { authorizationStateCall } from './reads.js'
import type { TokenDomain } from './tokens.js'
import { separatorOf } from './typed.js'

/**
 * Returns the signing domain of a token: from the table and the user's options, else read once from the chain.
 *
 * @throws PaymentError if the chain does not report it, or if the token does not support EIP-3009.
 */
export type Domains = (chainId: number, token: Hex) => Promise<TokenDomain>

const ABI = parseAbi([
  'function name() view returns (string)',
  'function version() view returns (string)',
  'function DOMAIN_SEPARATOR() view returns (bytes32)',
  'function eip712Domain() view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)',
])
/** Any nonce of any account will do: only the form of the answer counts. */
const ANY_NONCE: Hex = `0x${'0'.repeat(64)}`

export function domainsOf({ domains, nodes }: Pick<Config, 'domains' | 'nodes'>): Domains {
  const read = new Map<string, Promise<TokenDomain>>()
  return async (chainId, token) => {
    const id = `eip155:${chainId}/erc20:${token}`
    const known = domains.get(id)
    if (known !== undefined) return known
    const reading = read.get(id) ?? fromChain(nodes(chainId) ?? [], chainId, token)
    read.set(id, reading)
    // After a node failed to answer, the next call asks again.
    reading.catch(() => read.delete(id))
    return reading
  }
}

async function fromChain(nodes: readonly Node[], chainId: number, token: Hex): Promise<TokenDomain> {
  const call = (functionName: 'name' | 'version' | 'DOMAIN_SEPARATOR' | 'eip712Domain'): Promise<Hex> =>
    readContract(
      nodes,
      { to: token, data: encodeFunctionData({ abi: ABI, functionName }) },
      (answer) => answer,
    )
  const [state, described] = await Promise.all([
    readContract(nodes, authorizationStateCall(token, token, ANY_NONCE), decodeUint).catch(() => undefined),
    call('eip712Domain').catch(() => undefined),
  ])
  if (state === undefined)
    throw unknown('The token does not report that it supports signed transfers (EIP-3009)')
  const said = described && readDescription(described, chainId, token)
  if (said !== undefined) return said
  const [name, version, separator] = await Promise.all([
    call('name'),
    call('version'),
    call('DOMAIN_SEPARATOR'),
  ])
  const domain = { name: textOf('name', name), version: textOf('version', version) }
  if (separatorOf({ chainId, address: token, domain }) !== separator)
    throw unknown('The signing domain of the token has more than a name and a version')
  return domain
}

/** Reads an EIP-5267 description. Undefined if the token describes a domain that Purser cannot sign. */
function readDescription(data: Hex, chainId: number, token: Hex): TokenDomain | undefined {
  try {
    const said = decodeFunctionResult({ abi: ABI, functionName: 'eip712Domain', data })
    const [fields, name, version, chain, contract] = said
    const ours = chain === BigInt(chainId) && lower(contract) === token
    // Name, version, chain and contract; no salt, and no extensions.
    return fields === '0x0f' && ours ? { name, version } : undefined
  } catch {
    return undefined
  }
}

function textOf(functionName: 'name' | 'version', data: Hex): string {
  try {
    return decodeFunctionResult({ abi: ABI, functionName, data })
  } catch {
    throw unknown('The token does not report its signing domain')
  }
}

function unknown(message: string): PaymentError {
  return new PaymentError('wallet_failed', 'untouched', message)
}
