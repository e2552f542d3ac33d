import { checkFunctions, type Names, ownOptions } from '../../errors/index.js'
import { checkDuration, type Instant } from '../../money/index.js'
import { isNetwork, type LightningNetwork } from './networks.js'

/** A node's report of a payment. In millisatoshis, because nodes charge in them. */
export type LightningOutcome =
  /** The payee has the money, and the node has the preimage. */
  | { readonly state: 'paid'; readonly preimage: string; readonly feeMsat?: bigint }
  /** Nothing was paid, and the node does not try again. */
  | { readonly state: 'failed'; readonly why?: LightningFailure }
  /** The payment may still succeed or fail. */
  | { readonly state: 'pending' }

/** The node has no record of the payment. A node that deletes records of paid invoices must throw instead. */
export interface LightningAbsence {
  readonly state: 'absent'
  /**
   * The time by the node's own clock, such as the `Date` of its answer. Only a node whose clock is past an invoice's
   * expiry will never pay it. If the time is absent, a payment without a record stays in doubt until a person closes
   * it.
   */
  readonly now?: Instant
}

/** The reason of a final failure, for the ledger. */
export type LightningFailure = 'no_route' | 'no_balance' | 'refused'

/** A payment that a node is asked to make. */
export interface InvoicePayment {
  /** The invoice (BOLT 11), in lower case. */
  readonly invoice: string
  /** The payment's id at the node: 64 lower-case hexadecimal digits. */
  readonly paymentHash: string
  readonly amountMsat: bigint
  /** The limit for routing fees. The node must refuse any route that costs more. */
  readonly maxFeeMsat: bigint
  /** The time at which Purser stops waiting. The node should stop trying then. */
  readonly until: Instant
  /** Aborted when Purser stops waiting. The abort does not undo a payment. */
  readonly signal: AbortSignal
}

/** The most that routing may cost: a number of satoshis, plus millionths of the price. */
export interface RoutingFee {
  readonly sats?: bigint
  readonly partsPerMillion?: bigint
}

/** Options of {@link lightning}. */
export interface LightningOptions {
  /** The name of the node, stable across processes. A wallet with the same name can prove payments of this one. */
  readonly node: string
  /**
   * Pays an invoice and waits for the preimage. Return `failed` for a payment that certainly failed. If the function
   * throws, or answers after `until`, the payment is in doubt.
   */
  readonly payInvoice: (payment: InvoicePayment) => Promise<LightningOutcome>
  /**
   * Finds the record of a payment by its hash; `absent` if the node has none. Without this option only a person can
   * close a payment in doubt.
   */
  readonly lookUpPayment?: (paymentHash: string) => Promise<LightningOutcome | LightningAbsence>
  /**
   * The network of the node.
   *
   * @default 'mainnet'
   */
  readonly network?: LightningNetwork
  /**
   * The limit for routing fees.
   *
   * @default 10 satoshis and 1 % of the price
   */
  readonly maxFee?: RoutingFee
  /**
   * The time limit of a payment, in milliseconds, 1,000 to 600,000.
   *
   * @default 60_000
   */
  readonly timeoutMs?: number
  readonly now?: () => Instant
}

export interface Config {
  readonly id: string
  readonly network: LightningNetwork
  readonly pay: LightningOptions['payInvoice']
  readonly lookUp: LightningOptions['lookUpPayment']
  readonly feeMsat: bigint
  readonly feePartsPerMillion: bigint
  readonly timeoutMs: number
  readonly now: () => Instant
}

export const LIGHTNING_OPTIONS: Names<LightningOptions> = {
  node: true,
  payInvoice: true,
  lookUpPayment: true,
  network: true,
  maxFee: true,
  timeoutMs: true,
  now: true,
}
const MAX_FEE: Names<RoutingFee> = { sats: true, partsPerMillion: true }

/** @throws TypeError if an option could make a later payment fail. */
export function configure(given: LightningOptions): Config {
  const options = ownOptions(given ?? {}, LIGHTNING_OPTIONS, 'lightning()')
  const { node, payInvoice, network = 'mainnet' } = options
  const maxFee = ownOptions(options.maxFee ?? {}, MAX_FEE, 'maxFee of lightning()')
  if (typeof node !== 'string' || !/^[\w.@:-]{1,100}$/.test(node))
    throw new TypeError('lightning() needs the name of a node: letters, digits and any of . _ @ : -')
  if (typeof payInvoice !== 'function') throw new TypeError('lightning() needs payInvoice, a function')
  checkFunctions(options, ['lookUpPayment', 'now'])
  if (!isNetwork(network)) throw new TypeError('network must be mainnet, testnet, signet or regtest')
  return {
    id: `lightning:${node}`,
    network,
    pay: options.payInvoice,
    lookUp: options.lookUpPayment,
    feeMsat: natural('maxFee.sats', maxFee.sats ?? 10n) * 1_000n,
    feePartsPerMillion: natural('maxFee.partsPerMillion', maxFee.partsPerMillion ?? 10_000n),
    timeoutMs: checkDuration('timeoutMs', options.timeoutMs ?? 60_000, { least: 1_000, most: 600_000 }),
    now: options.now ?? Date.now,
  }
}

function natural(name: string, value: unknown): bigint {
  if (typeof value !== 'bigint' || value < 0n) throw new TypeError(`${name} must be a bigint, zero or more`)
  return value
}
