import { concatHex, keccak256 } from 'viem/utils'
import { checkFunctions, type Names, ownOptions } from '../../errors/index.js'
import { checkDuration } from '../../money/index.js'
import {
  type ChainConfig,
  type ChainOptions,
  checkChainId,
  configureChain,
  lower,
  withRecovery,
} from '../chain/index.js'
import type { ChargeMode, Hex } from './charge.js'
import { BASE_FEE, type GasOptions, type GasTable, gasTable } from './gas.js'
import type { Random } from './memo.js'

/**
 * An account that signs hashes: viem's `privateKeyToAccount`, or an account of `viem/tempo`, access keys included. A
 * key in a vault works too, through viem's `toAccount` with `sign`.
 */
export interface TempoAccount {
  readonly address: Hex
  readonly type: 'local'
  readonly sign?: ((parameters: { hash: Hex }) => Promise<Hex>) | undefined
  /** Set on an access key that acts for `address`. */
  readonly accessKeyAddress?: Hex | undefined
}

/** Options of {@link tempo}. Its built-in nodes are Tempo's own, for 4217 and 42431. */
export interface TempoOptions extends ChainOptions {
  /** The payer. With `accessKey` its address is enough: its main key stays elsewhere. */
  readonly account: TempoAccount | Hex
  /** The access key that signs for `account`, within the limits that the chain enforces. */
  readonly accessKey?: TempoAccount
  /**
   * The only way to submit a payment.
   *
   * @default pull if the server offers it, else push
   */
  readonly mode?: ChargeMode
  /**
   * The number of lanes: payments that can run in parallel at the lower price of a reused nonce. 0 uses expiring nonces
   * only.
   *
   * @default 4
   */
  readonly lanes?: number
  /**
   * The only token that pays fees, by chain id.
   *
   * @default the token of the payment, or pathUSD if that is not a dollar; if the account holds too little of it,
   *   another dollar that Purser knows and the policy allows
   */
  readonly feeToken?: Readonly<Record<number, string>>
  /**
   * The name of this client in the memo on the chain.
   *
   * @default random bytes, so that payments cannot be linked by it
   */
  readonly clientId?: string
  /**
   * The highest price of a unit of gas, in attodollars.
   *
   * @default the protocol's fixed base fee, 2 × 10^10
   */
  readonly maxFeePerGas?: bigint
  /**
   * The tip within that price, in attodollars.
   *
   * @default 0n
   */
  readonly maxPriorityFeePerGas?: bigint
  readonly gas?: GasOptions
  /**
   * The life of a signed payment, in milliseconds, 5,000 to 25,000.
   *
   * @default 15_000
   */
  readonly validityMs?: number
  readonly random?: Random
}

export interface Config extends ChainConfig {
  /** The access key that signs for the payer, in lower case. */
  readonly key: Hex | undefined
  readonly sign: (hash: Hex) => Promise<Hex>
  readonly mode: ChargeMode | undefined
  readonly lanes: number
  readonly feeTokens: ReadonlyMap<number, Hex>
  readonly clientId: string | undefined
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly gas: GasTable
  readonly validityMs: number
  readonly random: Random
}

const KNOWN: Readonly<Record<number, string>> = {
  4217: 'https://rpc.tempo.xyz',
  42431: 'https://rpc.moderato.tempo.xyz',
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/
const MOST_LANES = 64

export const TEMPO_OPTIONS: Names<TempoOptions> = {
  account: true,
  accessKey: true,
  rpc: true,
  chains: true,
  currencies: true,
  mode: true,
  lanes: true,
  feeToken: true,
  clientId: true,
  maxFeePerGas: true,
  maxPriorityFeePerGas: true,
  gas: true,
  validityMs: true,
  fetch: true,
  random: true,
  now: true,
}

/** @throws TypeError if an option could make a later payment fail. */
export function configure(given: TempoOptions): Config {
  const options = ownOptions(given ?? {}, TEMPO_OPTIONS, 'tempo()')
  checkFunctions(options, ['random'])
  const { sender, key, sign } = checkPayer(options)
  const { mode, clientId } = options
  if (mode !== undefined && mode !== 'pull' && mode !== 'push')
    throw new TypeError("mode must be 'pull' or 'push'")
  if (clientId !== undefined && typeof clientId !== 'string') throw new TypeError('clientId must be a string')
  return {
    ...configureChain('tempo', sender, options, { nodes: KNOWN }),
    key,
    sign,
    mode,
    lanes: integer('lanes', options.lanes ?? 4, 0, MOST_LANES),
    feeTokens: checkFeeTokens(options.feeToken),
    clientId,
    maxFeePerGas: price('maxFeePerGas', options.maxFeePerGas ?? BASE_FEE),
    maxPriorityFeePerGas: price('maxPriorityFeePerGas', options.maxPriorityFeePerGas ?? 0n),
    gas: gasTable(options.gas),
    validityMs: checkDuration('validityMs', options.validityMs ?? 15_000, { least: 5_000, most: 25_000 }),
    random: options.random ?? pooledRandom(),
  }
}

interface Payer {
  readonly sender: Hex
  readonly key: Hex | undefined
  readonly sign: (hash: Hex) => Promise<Hex>
}

function checkPayer(options: TempoOptions): Payer {
  const account: TempoAccount | Hex | undefined = options.account
  const accessKey: TempoAccount | undefined = options.accessKey
  if (accessKey === undefined) {
    if (typeof account === 'string')
      throw new TypeError('tempo() needs an account that can sign, or with an address also an accessKey')
    const sign = signerOf(account, 'account')
    const key = account.accessKeyAddress
    return { sender: lower(account.address), key: key && lower(key), sign }
  }
  const address = typeof account === 'string' ? account : account?.address
  if (!ADDRESS.test(String(address)) || address === undefined)
    throw new TypeError('With an accessKey, account must be the address of the account that it signs for')
  const sign = signerOf(accessKey, 'accessKey')
  const sender = lower(address)
  const key = lower(accessKey.accessKeyAddress ?? accessKey.address)
  // An access key of viem/tempo names its account and adds the account to its signatures.
  if (accessKey.accessKeyAddress !== undefined) {
    if (lower(accessKey.address) !== sender) throw new TypeError('This accessKey belongs to another account')
    return { sender, key, sign }
  }
  if (key === sender) throw new TypeError('accessKey must not be the key of the account')
  return { sender, key, sign: (hash) => signFor(sender, hash, sign) }
}

/** The type of a signature by which an access key acts for an account (TIP-1011, version 2). */
const KEYCHAIN_TYPE = '0x04'

/**
 * Signs with an access key for its account. The key signs a hash that names the account, so the signature is valid for
 * no other account; the envelope names the account.
 */
export async function signFor(account: Hex, hash: Hex, sign: (hash: Hex) => Promise<Hex>): Promise<Hex> {
  const signature = await sign(keccak256(concatHex([KEYCHAIN_TYPE, hash, account])))
  return concatHex([KEYCHAIN_TYPE, account, withRecovery(signature)])
}

/** @throws TypeError if it cannot sign hashes. */
export function signerOf(account: TempoAccount, name: string): (hash: Hex) => Promise<Hex> {
  if (typeof account !== 'object' || account === null || !ADDRESS.test(String(account.address)))
    throw new TypeError(`tempo() needs an ${name}, for example privateKeyToAccount(key) from viem/accounts`)
  const { sign } = account
  if (account.type !== 'local' || typeof sign !== 'function')
    throw new TypeError(
      `tempo() needs an ${name} that can sign hashes: a local account of viem or viem/tempo. A Tempo transaction is not typed data, so an account that signs typed data only cannot make one`,
    )
  return (hash) => sign.call(account, { hash })
}

function checkFeeTokens(tokens: TempoOptions['feeToken'] = {}): ReadonlyMap<number, Hex> {
  return new Map(
    Object.entries(tokens).map(([id, address]) => {
      if (!ADDRESS.test(String(address))) throw new TypeError(`feeToken[${id}] must be a token address`)
      return [checkChainId(Number(id)), lower(address)]
    }),
  )
}

/** A memo needs ten bytes, and requesting ten costs as much as requesting a thousand. No byte is used twice. */
function pooledRandom(): Random {
  const pool = new Uint8Array(1_024)
  let used = pool.length
  return (length) => {
    if (used + length > pool.length) {
      crypto.getRandomValues(pool)
      used = 0
    }
    used += length
    return pool.slice(used - length, used)
  }
}

function integer(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new TypeError(`${name} must be an integer from ${least} to ${most}`)
  return value
}

function price(name: string, value: bigint): bigint {
  if (typeof value !== 'bigint' || value < 0n) throw new TypeError(`${name} must be a bigint of attodollars`)
  return value
}
