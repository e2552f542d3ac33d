import { keccak256 } from 'viem/utils'
import { PaymentError } from '../../errors/index.js'
import type { Amount, Currency } from '../../money/index.js'
import { sleep } from '../../util/timers.js'
import {
  addressOf,
  ask,
  balanceCache,
  type ChainReceipt,
  type Node,
  quantity,
  readReceipt,
  sign,
} from '../chain/index.js'
import type { Hex } from './charge.js'
import { EXPIRING, encodeForSigning, serialize } from './envelope.js'
import { feeAmount } from './gas.js'
import type { Config } from './options.js'

export interface Owner {
  readonly config: Config
  /** True if the account's main key is available. */
  readonly signs: boolean
  readonly chain: number
  readonly network: string
  readonly nodes: readonly Node[]
  /** All known currencies of the network. */
  readonly currencies: readonly Currency[]
  readonly feeToken: Currency | undefined
  readonly since: bigint
}

export type Calls = readonly { readonly to: Hex; readonly data: Hex }[]

/** A transaction of the owner with the account's main key. It is not a payment, and no policy applies. */
export interface AccountTransaction {
  /** The highest possible fee. */
  readonly cost: Amount
  /**
   * Signs, broadcasts, and waits for the block.
   *
   * @throws PaymentError `wallet_failed`: with funds `settled` the transaction failed on the chain and its fee is lost,
   *   with `unknown` the result is not known yet.
   */
  carryOut(): Promise<Done>
}

export interface Done {
  readonly reference: Hex
  readonly fee: Amount
}

/** The extra gas that an expiring nonce, a signature and a busier block may need on top of a node's estimate. */
const GAS_MARGIN = 400_000n
const VALIDITY_S = 20
const PAUSE_MS = 250
/** The time in milliseconds after a transaction's expiry for which its receipt is still waited for. */
const LATE_MS = 5_000

/**
 * Estimates the cost of some calls. Signs nothing.
 *
 * @throws PaymentError `wallet_failed` if the chain would refuse them, `insufficient_funds` if no known dollar covers
 *   the cost.
 */
export async function planTransaction(owner: Owner, calls: Calls): Promise<AccountTransaction> {
  const gas = await gasFor(owner, calls)
  const feeToken = await feeTokenFor(owner, gas)
  return {
    cost: feeAmount(gas, owner.config.maxFeePerGas, feeToken),
    carryOut: () => carryOut(owner, { calls, gas, feeToken }),
  }
}

async function gasFor({ nodes, config }: Owner, calls: Calls): Promise<bigint> {
  const method = 'eth_estimateGas'
  let gas = GAS_MARGIN
  for (const { to, data } of calls) {
    const reckoned = await ask(nodes, method, [{ from: config.sender, to, data }, 'latest']).catch(
      () => undefined,
    )
    if (reckoned === undefined)
      throw new PaymentError(
        'wallet_failed',
        'untouched',
        'The chain would refuse this, or its node does not answer',
      )
    gas += (quantity(reckoned, method) * 11n) / 10n
  }
  return gas
}

async function feeTokenFor({ config, chain, currencies, feeToken }: Owner, gas: bigint): Promise<Currency> {
  const balances = balanceCache(config.sender, config.checkedNodes)
  const dollars = currencies.filter(({ peg }) => peg === 'iso4217:USD')
  for (const currency of feeToken === undefined ? dollars : [feeToken]) {
    const held = await balances.read(chain, addressOf(currency), config.now())
    if (held !== undefined && held >= feeAmount(gas, config.maxFeePerGas, currency).value) return currency
  }
  const message = 'The account holds no known dollar that covers the fee'
  throw new PaymentError('insufficient_funds', 'untouched', message)
}

async function carryOut(
  { config, chain, nodes, signs }: Owner,
  transaction: { readonly calls: Calls; readonly gas: bigint; readonly feeToken: Currency },
): Promise<Done> {
  if (!signs)
    throw new TypeError('This needs the account with its own key, and tempoKeys() was given an address')
  const { calls, gas, feeToken } = transaction
  const validBefore = Math.floor(config.now() / 1000) + VALIDITY_S
  const tx = {
    chainId: chain,
    maxPriorityFeePerGas: config.maxPriorityFeePerGas,
    maxFeePerGas: config.maxFeePerGas,
    gas,
    calls,
    nonceKey: EXPIRING,
    nonce: 0n,
    validBefore,
    feeToken: addressOf(feeToken),
  }
  const signature = await sign(keccak256(encodeForSigning(tx)), config, undefined)
  const signed = serialize(tx, config.sender, signature)
  const reference = keccak256(signed)
  try {
    await ask(nodes, 'eth_sendRawTransaction', [signed])
  } catch {
    // A node that returns an error may still have passed the transaction on. Only the chain can tell.
  }
  const receipt = await waitFor(config, nodes, reference, validBefore)
  if (receipt.ok) return { reference, fee: feeAmount(receipt.gasUsed, receipt.gasPrice, feeToken) }
  const message = 'The chain refused this; only its fee was taken'
  throw new PaymentError('wallet_failed', 'settled', message, { reference })
}

async function waitFor(
  config: Config,
  nodes: readonly Node[],
  reference: Hex,
  validBefore: number,
): Promise<ChainReceipt> {
  const until = validBefore * 1000 + LATE_MS
  do {
    for (const node of nodes) {
      const receipt = await readReceipt(node, reference).catch(() => undefined)
      if (receipt !== undefined) return receipt
    }
    await sleep(PAUSE_MS)
  } while (config.now() < until)
  const message = 'The chain shows no trace of the transaction'
  throw new PaymentError('wallet_failed', 'unknown', message, { reference })
}
