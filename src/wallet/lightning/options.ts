import { checkFunctions, type Names, ownOptions } from '../../errors/index.js'
import { checkDuration, type Instant } from '../../money/index.js'
import { isNetwork, type LightningNetwork } from './networks.js'

/** What a node says of a payment. Millisatoshis, since that is what nodes charge in. */
export type LightningOutcome =
  /** The payee has the money: here is what it gave for it. */
  | { readonly state: 'paid'; readonly preimage: string; readonly feeMsat?: bigint }
  /** Nothing was paid, and the node does not try again. */
  | { readonly state: 'failed'; readonly why?: LightningFailure }
  /** It may still go either way. */
  | { readonly state: 'pending' }

/**
 * A node has no record of a payment. Not for a node that deletes what it has paid: that one has forgotten, and must throw.
 */
export interface LightningAbsence {
  readonly state: 'absent'
  /**
   * What time it is by the node's own clock, such as the `Date` of its answer. Only a node whose clock is past an invoice's
   * end will never pay it: without this, what the node never heard of stays a doubt until a person closes it.
   */
  readonly now?: Instant
}

/** Why a payment failed for good, for the books. */
export type LightningFailure = 'no_route' | 'no_balance' | 'refused'

/** What a node is asked to pay. */
export interface InvoicePayment {
  /** The invoice (BOLT 11), in lower case. */
  readonly invoice: string
  /** What it is known by at the node: 64 lower-case hexadecimal digits. */
  readonly paymentHash: string
  readonly amountMsat: bigint
  /** The node must refuse any route that costs more. */
  readonly maxFeeMsat: bigint
  /** Nobody waits any longer from then on, and the node should try no further. */
  readonly until: Instant
  /** Aborted when nobody waits any longer. That alone unpays nothing. */
  readonly signal: AbortSignal
}

/** The most that routing may cost: so many satoshis, and so many millionths of the price on top. */
export interface RoutingFee {
  readonly sats?: bigint
  readonly partsPerMillion?: bigint
}

/** What {@link lightning} takes. */
export interface LightningOptions {
  /** Names the node, stable across processes: another one with the same name proves what this one paid. */
  readonly node: string
  /**
   * Pays an invoice and waits for the preimage. A payment that certainly failed is `failed`; whatever is thrown, or
   * comes later than `until`, is a doubt.
   */
  readonly payInvoice: (payment: InvoicePayment) => Promise<LightningOutcome>
  /**
   * What became of a payment, by its hash; `absent` where the node has no record of it. Without it a doubt can only be
   * closed by a person.
   */
  readonly lookUpPayment?: (paymentHash: string) => Promise<LightningOutcome | LightningAbsence>
  /** The network of the node. Default: `mainnet`. */
  readonly network?: LightningNetwork
  /** Default: 10 satoshis and 1 % of the price. */
  readonly maxFee?: RoutingFee
  /** How long a payment is waited for, in milliseconds, 1,000 to 600,000 (default 60,000). */
  readonly timeoutMs?: number
  readonly now?: () => Instant
}

/** Options, checked and filled in. */
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

const OPTIONS: Names<LightningOptions> = {
  node: true,
  payInvoice: true,
  lookUpPayment: true,
  network: true,
  maxFee: true,
  timeoutMs: true,
  now: true,
}
const MAX_FEE: Names<RoutingFee> = { sats: true, partsPerMillion: true }

/** @throws TypeError for anything a payment could later stumble over. */
export function configure(given: LightningOptions): Config {
  const options = ownOptions(given ?? {}, OPTIONS, 'lightning()')
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
