import canonicalize from 'canonicalize'
import { keccak256, stringToBytes } from 'viem/utils'
import type { Challenge, Json, JsonObject } from '../../protocol/index.js'
import { isObject } from '../../util/objects.js'
import { readUint256 } from '../../util/uint256.js'
import { type Hex, readAddress } from '../chain/index.js'
import type { Unpayable } from '../index.js'
import { isAbsent, type Offer } from './offer.js'
import type { EvmWay } from './options.js'

const no = (unpayable: string): Unpayable => ({ unpayable: `This EVM charge cannot be paid: ${unpayable}` })

/** Reads an `evm/charge` challenge (draft-evm-charge-00, "Request Schema"). Unknown members are ignored. */
export function readMppCharge(challenge: Challenge): Offer | Unpayable {
  const { request } = challenge
  const details = request['methodDetails']
  if (!isObject(details)) return no('it has no methodDetails')
  if (!isAbsent(details['splits']))
    return no('splits need a kind of credential that this wallet does not make')
  // draft-evm-charge-00, "Credential Type Negotiation": without a list, transactions MUST and hashes SHOULD be accepted.
  const ways = readWays(details['credentialTypes'] ?? ['transaction', 'hash'])
  if (ways === undefined) return no('it takes no kind of credential that this wallet makes')
  const base = readCommon(challenge, details)
  if ('unpayable' in base) return base
  // draft-evm-charge-00, "Challenge Binding".
  const nonce = keccak256(stringToBytes(challenge.id + challenge.realm))
  return { ...base, ways, nonce }
}

/** Reads the EVM profile of a `usdc/charge` challenge (draft-usdc-charge-00, "EVM Profile"). */
export function readUsdcCharge(challenge: Challenge): Offer | Unpayable {
  const { request } = challenge
  const details = request['methodDetails']
  if (!isObject(details) || details['type'] !== 'evm' || !isObject(details['evm']))
    return no('it is not of the EVM profile')
  if (['solana', 'stacks', 'gateway'].some((other) => !isAbsent(details[other])))
    return no('it is of several profiles at once')
  const profile = details['evm']
  if (profile['decimals'] !== 6) return no('its decimals are not 6')
  const ways = readWays(profile['credentialTypes'] ?? ['authorization'])
  if (ways?.join() !== 'authorization') return no('it does not take an authorization')
  const base = readCommon(challenge, profile)
  if ('unpayable' in base) return base
  const nonce = usdcNonce(challenge)
  return nonce === undefined ? no('its request has no canonical form') : { ...base, ways, nonce }
}

function readCommon(
  { kind, request }: Challenge,
  details: JsonObject,
): Omit<Offer, 'ways' | 'nonce'> | Unpayable {
  const amount = readUint256(request['amount'])
  if (!amount) return no('its amount is not a plain decimal integer above zero')
  const token = readAddress(request['currency'])
  if (token === undefined) return no('its currency is not a token address')
  const to = readAddress(request['recipient'])
  if (to === undefined) return no('its recipient is not an address')
  const { chainId, decimals } = details
  if (typeof chainId !== 'number' || !Number.isSafeInteger(chainId) || chainId <= 0)
    return no('its chainId is not a positive integer')
  if (!isAbsent(decimals) && typeof decimals !== 'number') return no('its decimals are not a number')
  const claimedDomain = isAbsent(decimals) ? {} : { decimals }
  return { kind, chainId, token, amount, to, claimedDomain }
}

/** `permit2` is left out: the signed data must name the submitter, and the offer has no field for it. */
const WAYS: readonly EvmWay[] = ['authorization', 'transaction', 'hash']

function readWays(list: Json): readonly EvmWay[] | undefined {
  if (!Array.isArray(list)) return undefined
  const ways = list.flatMap((entry) => WAYS.filter((way) => way === entry))
  return ways.length === 0 ? undefined : ways
}

/** draft-usdc-charge-00, "Credential Schema": also bound to method, intent and request. */
function usdcNonce({ id, realm, request }: Challenge): Hex | undefined {
  const whole = canonicalize(request)
  if (whole === undefined) return undefined
  const requestHash = keccak256(stringToBytes(whole))
  const binding = canonicalize({ id, method: 'usdc', realm, intent: 'charge', requestHash })
  return binding === undefined ? undefined : keccak256(stringToBytes(binding))
}
