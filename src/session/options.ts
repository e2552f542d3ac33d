import { type Names, ownOptions } from '../errors/index.js'
import { type Amount, type Currency, type Instant, parseAmount } from '../money/index.js'
import type { Fee } from '../policy/index.js'
import type { JsonObject } from '../protocol/index.js'
import type { Hex, TempoAccount, TempoOptions } from '../wallet/tempo/index.js'
import { type Balances, balanceCache, type Config, configure, signerOf } from '../wallet/tempo/shared.js'
import type { Protocol } from './challenge.js'
import { ChannelStore } from './channel-store.js'
import type { Sending } from './evidence.js'

/** Options of {@link tempoSession}. Those shared with `tempo()` have the same meaning. */
export interface SessionOptions
  extends Pick<
    TempoOptions,
    | 'rpc'
    | 'chains'
    | 'currencies'
    | 'feeToken'
    | 'maxFeePerGas'
    | 'maxPriorityFeePerGas'
    | 'validityMs'
    | 'fetch'
    | 'random'
    | 'now'
  > {
  /** The payer: a local account that can sign hashes. */
  readonly account: TempoAccount
  /**
   * The key that signs vouchers. A hot key can spend only the deposits of channels. An access key as `account` requires
   * one, because vouchers cannot be signed by an access key.
   *
   * @default the account itself
   */
  readonly authorizedSigner?: TempoAccount
  /**
   * The deposit of a new channel, as a decimal number of its token. It never exceeds the policy's limit or the server's
   * suggestion, and is never less than the price.
   *
   * @default a hundred times the price
   */
  readonly deposit?: string
  /**
   * The top-up of a channel that runs out, as a decimal number of its token, within the same limits.
   *
   * @default the deposit of a new channel
   */
  readonly topUp?: string
  /** Escrow contracts in addition to the network's own that may hold deposits. The policy must name them too. */
  readonly escrows?: readonly string[]
  /**
   * The only session protocol to use.
   *
   * @default both
   */
  readonly protocol?: Protocol
}

/** A sent opening, with all data to send exactly the same one on another challenge. A bearer secret. */
export interface SentOpening {
  readonly payload: JsonObject
  readonly sending: Sending
  readonly locks: Amount
  /** The fee that the payer pays; absent if the server pays it. */
  readonly fee?: Fee
}

/** Checked options with defaults, and the state of the wallet. */
export interface SessionContext {
  readonly id: string
  readonly config: Config
  readonly balances: Balances
  readonly book: ChannelStore
  /** The voucher key, in lower case, and its function to sign a hash. */
  readonly signer: Hex
  readonly vouchers: { sign(hash: Hex): Promise<Hex> }
  readonly escrows: ReadonlySet<string>
  readonly protocol: Protocol | undefined
  readonly deposit: string | undefined
  readonly topUp: string | undefined
  /**
   * Lanes whose funding is in progress in this process, and until when. The chain is not searched for them meanwhile.
   */
  readonly busy: Map<string, Instant>
  /** The opening transactions of these lanes, as long as a block could still include them. */
  readonly openings: Map<string, SentOpening>
  /** The time of the last search for a pending deposit, by lane. */
  readonly looked: Map<string, Instant>
  /** Channels that vendors remember but the ledger does not, by slot. The next call uses them. */
  readonly recalled: Map<string, JsonObject>
}

/** The names of all options of {@link tempoSession}. */
export const SESSION_OPTIONS: Names<SessionOptions> = {
  account: true,
  authorizedSigner: true,
  deposit: true,
  topUp: true,
  escrows: true,
  protocol: true,
  rpc: true,
  chains: true,
  currencies: true,
  feeToken: true,
  maxFeePerGas: true,
  maxPriorityFeePerGas: true,
  validityMs: true,
  fetch: true,
  random: true,
  now: true,
}

/** @throws TypeError for malformed options; an account is required. */
export function configureSession(all: SessionOptions): SessionContext {
  const options = ownOptions(all ?? {}, SESSION_OPTIONS, 'tempoSession()')
  const { account, rpc, chains, currencies, feeToken, maxFeePerGas, maxPriorityFeePerGas } = options
  const { validityMs, fetch, random, now } = options
  const given = {
    rpc,
    chains,
    currencies,
    feeToken,
    maxFeePerGas,
    maxPriorityFeePerGas,
    validityMs,
    fetch,
    random,
    now,
  }
  const config = configure({ account, lanes: 0, ...defined(given) })
  const key = options.authorizedSigner
  if (key !== undefined) signerOf(key, 'authorizedSigner')
  if (key === undefined && account.accessKeyAddress !== undefined)
    throw new TypeError('tempoSession() with an access key needs an authorizedSigner that signs the vouchers')
  const vouchers = key === undefined ? config : configure({ account: key })
  const id = `tempo-session${config.id.slice(config.id.indexOf(':'))}`
  return {
    id: key === undefined ? id : `${id}:${vouchers.sender}`,
    config,
    balances: balanceCache(config.sender, config.checkedNodes),
    book: new ChannelStore(),
    signer: vouchers.sender,
    vouchers,
    escrows: new Set(options.escrows?.map(checkEscrow)),
    protocol: checkProtocol(options.protocol),
    deposit: checkDecimal('deposit', options.deposit),
    topUp: checkDecimal('topUp', options.topUp),
    busy: new Map(),
    openings: new Map(),
    looked: new Map(),
    recalled: new Map(),
  }
}

/** Parses a decimal number of a token into smallest units. Excess decimals are rounded down. */
export function contextOf(text: string, currency: Currency): bigint {
  const [whole = '0', fraction = ''] = text.split('.')
  const kept = fraction.slice(0, currency.decimals)
  return parseAmount(kept === '' ? whole : `${whole}.${kept}`, currency).value
}

/** Removes undefined options: an absent option must be absent. */
function defined<T extends object>(options: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const given: { [Key in keyof T]?: Exclude<T[Key], undefined> } = {}
  return Object.assign(
    given,
    Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  )
}

function checkEscrow(address: string): string {
  if (typeof address !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(address))
    throw new TypeError('escrows must be contract addresses')
  return address.toLowerCase()
}

function checkProtocol(protocol: Protocol | undefined): Protocol | undefined {
  if (protocol !== undefined && protocol !== 'v1' && protocol !== 'v2')
    throw new TypeError("protocol must be 'v1' or 'v2'")
  return protocol
}

function checkDecimal(name: string, text: string | undefined): string | undefined {
  if (
    text !== undefined &&
    (typeof text !== 'string' || !/^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,18})?$/.test(text))
  )
    throw new TypeError(`${name} must be a plain decimal number in a string, for example '0.5'`)
  return text
}
