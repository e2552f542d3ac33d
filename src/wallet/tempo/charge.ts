import type { Json, JsonObject } from '../../protocol/index.js'
import { isList, isObject } from '../../util/objects.js'
import { readUint256 } from '../../util/uint256.js'
import { type Hex, lower, readAddress } from '../chain/index.js'
import type { Unpayable } from '../index.js'

export type { Hex }

/** How a payment is submitted: the server broadcasts (`pull`), or the client does (`push`). */
export type ChargeMode = 'pull' | 'push'

export interface Transfer {
  readonly to: Hex
  readonly amount: bigint
  /** Set by the server, for a split only. The primary transfer carries Purser's own memo. */
  readonly memo?: Hex
}

/** The checked parameters of a Tempo charge. Addresses are in lower case. */
export interface Charge {
  readonly chainId: number
  readonly token: Hex
  readonly amount: bigint
  /** The primary transfer first; empty for a zero-amount proof. */
  readonly transfers: readonly Transfer[]
  readonly sponsored: boolean
  readonly modes: readonly ChargeMode[]
}

/** The chain of a challenge without one (draft-tempo-charge, table of methodDetails). */
const DEFAULT_CHAIN = 42431
/** More splits would exceed the gas that sponsors pay for; servers SHOULD stay within ten. */
const MAX_SPLITS = 10

const no = (unpayable: string): Unpayable => ({ unpayable: `This Tempo charge cannot be paid: ${unpayable}` })

/**
 * Reads the `request` of a `tempo/charge` challenge (draft-tempo-charge-00, "Request Schema"). Pure. Unknown members
 * are ignored, and so is `methodDetails.memo`, which servers stopped sending and accepting.
 */
export function readCharge(request: JsonObject): Charge | Unpayable {
  const amount = readUint256(request['amount'])
  if (amount === undefined) return no('its amount is not a plain decimal integer')
  const token = readAddress(request['currency'])
  if (token === undefined) return no('its currency is not a token address')
  const details = request['methodDetails'] ?? {}
  if (!isObject(details)) return no('its methodDetails are not an object')
  const chainId = details['chainId'] ?? DEFAULT_CHAIN
  if (typeof chainId !== 'number' || !Number.isSafeInteger(chainId) || chainId <= 0)
    return no('its chainId is not a positive integer')
  const sponsored = details['feePayer'] ?? false
  if (typeof sponsored !== 'boolean') return no('its feePayer is neither true nor false')
  const modes = readModes(details['supportedModes'])
  if (modes === undefined) return no('its supportedModes name neither pull nor push')
  const base = { chainId, token, amount, sponsored, modes }
  // A proof moves no money, so recipient, splits and modes do not apply to it.
  if (amount === 0n) return { transfers: [], ...base }
  const transfers = readTransfers(amount, request['recipient'], details['splits'])
  return 'unpayable' in transfers ? transfers : { transfers, ...base }
}

function readTransfers(
  amount: bigint,
  recipient: Json | undefined,
  splits: Json | undefined,
): readonly Transfer[] | Unpayable {
  const to = readAddress(recipient)
  if (to === undefined) return no('its recipient is not an address')
  if (splits === undefined || splits === null) return [{ to, amount }]
  if (!isList(splits) || splits.length === 0) return no('its splits are not a list of at least one')
  if (splits.length > MAX_SPLITS) return no(`it has more than ${MAX_SPLITS} splits`)
  const others: Transfer[] = []
  for (const entry of splits) {
    const split = readSplit(entry)
    if (split === undefined) return no('a split is not an amount above zero with a recipient')
    others.push(split)
  }
  const shared = others.reduce((sum, split) => sum + split.amount, 0n)
  // draft-tempo-charge-00, "Split Payments": clients MUST reject a sum that leaves the primary recipient nothing.
  if (shared >= amount) return no('its splits leave nothing for the recipient')
  return [{ to, amount: amount - shared }, ...others]
}

function readSplit(entry: Json): Transfer | undefined {
  if (!isObject(entry)) return undefined
  const amount = readUint256(entry['amount'])
  const to = readAddress(entry['recipient'])
  const memo = entry['memo']
  if (amount === undefined || amount === 0n || to === undefined) return undefined
  if (memo === undefined || memo === null) return { to, amount }
  if (typeof memo !== 'string' || !/^0x[0-9a-fA-F]{64}$/.test(memo)) return undefined
  return { to, amount, memo: lower(memo) }
}

function readModes(value: Json | undefined): readonly ChargeMode[] | undefined {
  // draft-tempo-charge-00: an omitted list means both.
  if (value === undefined || value === null) return ['pull', 'push']
  if (!isList(value)) return undefined
  const modes = (['pull', 'push'] as const).filter((mode) => value.includes(mode))
  return modes.length === 0 ? undefined : modes
}
