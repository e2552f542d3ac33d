import { type Address, getAddress, type Hex, recoverTypedDataAddress, type TypedDataDomain } from 'viem'
import type { Signed } from './money.js'
import { type Credential, THIEF } from './offers.js'
import { DOMAIN, EVM_CHAIN_ID, NETWORK, USDC } from './x402-offers.js'

/**
 * What the holder of a payment of EIP-3009 or Permit2 can make of it. A signature counts for the words that it was made
 * over, whatever stands beside it: the token that the kit knows is tried first, and then what the offer said.
 */
export async function readAuthorization({ challenge, payload }: Credential): Promise<readonly Signed[]> {
  const offer = offerOf(challenge)
  if (isRecord(payload['permit2Authorization']))
    return [await readPermit(payload['permit2Authorization'], payload, offer)]
  const message = isRecord(payload['authorization']) ? payload['authorization'] : payload
  return [await readTransfer(message, payload, offer)]
}

/** Contracts that pay whom a permit names, and nobody else. */
const PROXIES: ReadonlySet<string> = new Set([
  '0x402085c248eea27d92e8b30b2c58ed07f9e20001',
  '0x4020a4f3b7b90cca423b9fabcc0ce57c6c240002',
])
const PERMIT2_CONTRACT = '0x000000000022D473030F116dDEE9F6B43aC78BA3'

type Members = Readonly<Record<string, unknown>>

/** Where the offer said that the payment is made. */
interface Said {
  readonly token: string
  readonly network: string
  readonly name: string
  readonly version: string
}

function offerOf(challenge: Members): Said {
  const { asset, network, extra, request } = challenge
  if (typeof request === 'string') return saidIn(JSON.parse(Buffer.from(request, 'base64url').toString()))
  const { name, version } = isRecord(extra) ? extra : DOMAIN
  return { token: lower(asset), network: String(network), name: String(name), version: String(version) }
}

function saidIn(request: Members): Said {
  const { chainId } = isRecord(request['methodDetails']) ? request['methodDetails'] : {}
  return { token: lower(request['currency']), network: `eip155:${String(chainId)}`, ...DOMAIN }
}

async function readTransfer(message: Members, payload: Members, offer: Said): Promise<Signed> {
  const { from, to, value, validAfter, validBefore, nonce } = message
  const words = {
    from: address(from),
    to: address(to),
    value: number(value),
    validAfter: number(validAfter),
    validBefore: number(validBefore),
    nonce: hex(nonce),
  }
  const signs = (domain: TypedDataDomain): Promise<Address> =>
    recoverTypedDataAddress({
      domain,
      types: TRANSFER,
      primaryType: 'TransferWithAuthorization',
      message: words,
      signature: hex(payload['signature']),
    })
  const own = { ...DOMAIN, chainId: EVM_CHAIN_ID, verifyingContract: address(USDC) }
  const place = (token: string): string => `eip3009 ${token} ${words.nonce}`
  const rest = { to, amount: words.value, until: words.validBefore }
  if (same(await signs(own), from)) return signed({ ...rest, place: place(USDC) })
  return elsewhere({ ...rest, place: place(offer.network + offer.token) }, offer)
}

async function readPermit(said: Members, payload: Members, offer: Said): Promise<Signed> {
  const { from, spender, nonce, deadline } = said
  const { token, amount } = recordIn(said, 'permitted')
  const { to, facilitator, validAfter } = recordIn(said, 'witness')
  const message = {
    permitted: { token: address(token), amount: number(amount) },
    spender: address(spender),
    nonce: number(nonce),
    deadline: number(deadline),
    witness: {
      to: address(to),
      ...(facilitator === undefined ? {} : { facilitator: address(facilitator) }),
      validAfter: number(validAfter),
    },
  }
  const payer = await recoverTypedDataAddress({
    domain: { name: 'Permit2', chainId: EVM_CHAIN_ID, verifyingContract: PERMIT2_CONTRACT },
    types: permitTypes(facilitator !== undefined),
    primaryType: 'PermitWitnessTransferFrom',
    message,
    signature: hex(payload['signature']),
  })
  const place = `permit2 ${NETWORK} ${message.nonce}`
  const rest = { place, to, amount: number(amount), until: number(deadline) }
  if (!same(payer, from) || lower(token) !== USDC) return elsewhere(rest, offer)
  // Whoever else may spend it keeps to no witness.
  return PROXIES.has(lower(spender)) ? signed(rest) : { ...signed({ ...rest, to: THIEF }), strange: 1 }
}

interface Words {
  readonly place: string
  readonly to: unknown
  readonly amount: bigint
  readonly until: bigint
}

function signed({ place, to, amount, until }: Words): Signed {
  const stolen = same(to, THIEF) ? amount : 0n
  return { place, amount, stolen, foreign: 0n, strange: 0, validBefore: Number(until) }
}

/** Not the dollar of this chain: another token's money, or nobody knows what it is good for. */
function elsewhere({ amount, ...words }: Words, { token, network }: Said): Signed {
  const unreadable = token === USDC && (network === NETWORK || network === 'base-sepolia')
  const foreign = unreadable ? 0n : amount
  return { ...signed({ ...words, amount: 0n }), foreign, strange: unreadable ? 1 : 0 }
}

const TRANSFER = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

function permitTypes(ceiling: boolean) {
  const facilitator = ceiling ? [{ name: 'facilitator', type: 'address' }] : []
  return {
    PermitWitnessTransferFrom: [
      { name: 'permitted', type: 'TokenPermissions' },
      { name: 'spender', type: 'address' },
      { name: 'nonce', type: 'uint256' },
      { name: 'deadline', type: 'uint256' },
      { name: 'witness', type: 'Witness' },
    ],
    TokenPermissions: [
      { name: 'token', type: 'address' },
      { name: 'amount', type: 'uint256' },
    ],
    Witness: [{ name: 'to', type: 'address' }, ...facilitator, { name: 'validAfter', type: 'uint256' }],
  }
}

function isRecord(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function recordIn(record: Members, name: string): Members {
  const value = record[name]
  return isRecord(value) ? value : {}
}

const lower = (value: unknown): string => String(value).toLowerCase()
const same = (one: unknown, other: unknown): boolean => lower(one) === lower(other)
const number = (value: unknown): bigint => BigInt(String(value))
const address = (value: unknown): Address => getAddress(String(value))
const hex = (value: unknown): Hex => `0x${String(value).replace(/^0x/, '')}`
