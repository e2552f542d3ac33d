import { type Challenge, type JsonObject, x402Network } from '../../protocol/index.js'
import { isObject } from '../../util/objects.js'
import { readUint256 } from '../../util/uint256.js'
import { readAddress } from '../chain/index.js'
import type { Unpayable } from '../index.js'
import { isAbsent, type Offer, readChain, textOf } from './offer.js'
import type { EvmWay } from './options.js'

const no = (unpayable: string): Unpayable => ({ unpayable: `This x402 offer cannot be paid: ${unpayable}` })

/** Reads an `exact` or `upto` entry of `accepts`, of either version, for an EVM chain. */
export function readX402(challenge: Challenge): Offer | Unpayable {
  const { kind, request, echo } = challenge
  if (echo.envelope !== 'x402') return no('it did not come by x402')
  const chainId = readChain(x402Network(textOf(request['network']) ?? ''))
  if (chainId === undefined) return no('its network is not a known EVM chain')
  const amount = readUint256(request[echo.version === 1 ? 'maxAmountRequired' : 'amount'])
  if (!amount) return no('its amount is not a plain decimal integer above zero')
  const token = readAddress(request['asset'])
  if (token === undefined) return no('its asset is not a token address')
  const to = readAddress(request['payTo'])
  if (to === undefined) return no('its payTo is not an address')
  const seconds = request['maxTimeoutSeconds']
  if (typeof seconds !== 'number' || !(seconds > 0)) return no('it does not say how long it takes to settle')
  const extra = isAbsent(request['extra']) ? {} : request['extra']
  if (!isObject(extra)) return no('its extra is not an object')
  const transfer = readTransfer(kind, echo.version, extra)
  if ('unpayable' in transfer) return transfer
  return {
    kind,
    chainId,
    token,
    amount,
    to,
    ...transfer,
    claimedDomain: { name: textOf(extra['name']), version: textOf(extra['version']) },
    lifeMs: seconds * 1000,
    routeBound: isRouteBound(echo.extensions),
  }
}

/** Reads how the money is moved: by EIP-3009 unless the entry says Permit2. `upto` can use Permit2 only. */
function readTransfer(
  kind: Challenge['kind'],
  version: 1 | 2,
  extra: JsonObject,
): Pick<Offer, 'ways' | 'facilitator'> | Unpayable {
  const flow = extra['paymentFlow']
  // `upfront` settles before the work is done. The signed data and the risk are the same.
  if (!isAbsent(flow) && flow !== 'authorization' && flow !== 'upfront')
    return no('it settles in an unknown way')
  const method = isAbsent(extra['assetTransferMethod'])
    ? kind === 'x402/upto'
      ? 'permit2'
      : 'eip3009'
    : extra['assetTransferMethod']
  const way = WAYS.get(String(method))
  if (way === undefined) return no('it moves the token in an unknown way')
  if (version === 1 && way !== 'authorization') return no('version 1 does not support Permit2')
  if (kind === 'x402/exact') return { ways: [way] }
  if (way !== 'permit2') return no('a price that is known only afterwards needs Permit2')
  const facilitator = readAddress(extra['facilitatorAddress'])
  return facilitator === undefined ? no('it does not say who may settle it') : { ways: [way], facilitator }
}

const WAYS: ReadonlyMap<string, EvmWay> = new Map([
  ['eip3009', 'authorization'],
  ['permit2', 'permit2'],
])

/**
 * Tells whether the nonce must be bound to the route. Servers that sell under a scope may require it; their extension
 * then describes more of the route than its method. Otherwise the wallet chooses the nonce.
 */
function isRouteBound(extensions: JsonObject | undefined): boolean {
  const extension = extensions?.['mppx']
  if (!isObject(extension) || !isObject(extension['info'])) return false
  return Object.keys(extension['info']).some((key) => key !== 'method')
}
