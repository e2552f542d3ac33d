import { decodeAbiParameters } from 'viem/utils'
import { PaymentError } from '../../errors/index.js'
import { ask, type Hex, hex, type Node } from '../chain/index.js'
import type { Config } from './options.js'
import type { TokenDomain } from './tokens.js'
import { separatorOf } from './typed.js'

/** The signing domains of tokens: from the table and the user's options, else read once from the chain. */
export interface Domains {
  /** @throws PaymentError if the chain does not report it, or if the token does not support EIP-3009. */
  of(chainId: number, token: Hex): Promise<TokenDomain>
}

/** `eip712Domain()`, `name()`, `version()`, `DOMAIN_SEPARATOR()`, `authorizationState(address,bytes32)` */
const EIP712_DOMAIN = '0x84b0196e'
const NAME = '0x06fdde03'
const VERSION = '0x54fd4d50'
const SEPARATOR = '0x3644e515'
const AUTHORIZATION_STATE = `0xe94a0102${'0'.repeat(128)}`

export function domainsOf({ domains, nodes }: Pick<Config, 'domains' | 'nodes'>): Domains {
  const read = new Map<string, Promise<TokenDomain>>()
  return {
    async of(chainId, token) {
      const id = `eip155:${chainId}/erc20:${token}`
      const known = domains.get(id)
      if (known !== undefined) return known
      const reading = read.get(id) ?? fromChain(nodes(chainId) ?? [], chainId, token)
      read.set(id, reading)
      // After a node failed to answer, the next call asks again.
      reading.catch(() => read.delete(id))
      return reading
    },
  }
}

async function fromChain(nodes: readonly Node[], chainId: number, token: Hex): Promise<TokenDomain> {
  const call = async (data: string): Promise<Hex> =>
    hex(await ask(nodes, 'eth_call', [{ to: token, data }, 'latest']), 'eth_call')
  const optional = (data: string) => call(data).catch(() => undefined)
  const [state, described] = await Promise.all([optional(AUTHORIZATION_STATE), optional(EIP712_DOMAIN)])
  if (state?.length !== WORD)
    throw unknown('The token does not report that it supports signed transfers (EIP-3009)')
  const said = described && readDescription(described, chainId, token)
  if (said !== undefined) return said
  const [name, version, separator] = await Promise.all([call(NAME), call(VERSION), call(SEPARATOR)])
  const domain = { name: text(name), version: text(version) }
  if (separatorOf({ chainId, address: token, domain }) !== separator)
    throw unknown('The signing domain of the token has more than a name and a version')
  return domain
}

const WORD = 2 + 64

/** Reads an EIP-5267 description. Undefined if the token describes a domain that Purser cannot sign. */
function readDescription(data: Hex, chainId: number, token: Hex): TokenDomain | undefined {
  try {
    const [fields, name, version, chain, contract] = decodeAbiParameters(DESCRIPTION, data)
    const ours = chain === BigInt(chainId) && contract.toLowerCase() === token
    // Name, version, chain and contract; no salt, and no extensions.
    return fields === '0x0f' && ours ? { name, version } : undefined
  } catch {
    return undefined
  }
}

const DESCRIPTION = [
  { type: 'bytes1' },
  { type: 'string' },
  { type: 'string' },
  { type: 'uint256' },
  { type: 'address' },
  { type: 'bytes32' },
  { type: 'uint256[]' },
] as const

function text(data: Hex): string {
  try {
    return decodeAbiParameters([{ type: 'string' }], data)[0]
  } catch {
    throw unknown('The token does not report its signing domain')
  }
}

function unknown(message: string): PaymentError {
  return new PaymentError('wallet_failed', 'untouched', message)
}
