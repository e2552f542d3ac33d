import { type Names, ownOptions } from '../../errors/index.js'
import { CURRENCIES, type Currency } from '../../money/index.js'
import { addressOf, approveCall, lower } from '../chain/index.js'
import type {
  AccessKeyManager,
  AccessKeyName,
  AccessKeyRequest,
  Allowances,
  AuthorizedKey,
  OpenAllowance,
} from '../index.js'
import { readAllowances } from './allowances.js'
import type { Hex } from './charge.js'
import { KIND } from './evidence.js'
import { inspectKey, listKeys, type TempoKey } from './key-list.js'
import { KEYCHAIN, revokeCall } from './keychain.js'
import { type Config, configure, type TempoAccount, type TempoOptions } from './options.js'
import { type Calls, type Done, type Owner, planTransaction } from './owner.js'
import { keyOf, proposeKey } from './propose.js'

/** Options of {@link tempoKeys}. */
export interface TempoKeysOptions
  extends Pick<
    TempoOptions,
    'rpc' | 'currencies' | 'maxFeePerGas' | 'maxPriorityFeePerGas' | 'fetch' | 'now'
  > {
  /** The account that owns the keys, with its main key. An address alone is enough for reading. */
  readonly account: TempoAccount | Hex
  /**
   * The chain's id.
   *
   * @default 4217, Tempo's main network
   */
  readonly chain?: number
  /**
   * The currency of the fees for authorizing and revoking.
   *
   * @default the first known dollar that the account has enough of
   */
  readonly feeToken?: Currency
  /**
   * The first block of the search for keys and approvals; the block of the account's first transaction is enough.
   *
   * @default 0n
   */
  readonly since?: bigint
}

const OPTIONS: Names<TempoKeysOptions> = {
  account: true,
  chain: true,
  feeToken: true,
  since: true,
  rpc: true,
  currencies: true,
  maxFeePerGas: true,
  maxPriorityFeePerGas: true,
  fetch: true,
  now: true,
}

/**
 * The access keys of one account: created by {@link tempoKeys}.
 *
 * @see docs/wallets.md
 */
export interface TempoKeys extends AccessKeyManager {
  /** Lists every key that was ever authorized, the newest last. */
  list(): Promise<readonly TempoKey[]>
  inspect(key: AccessKeyName): Promise<TempoKey>
  /** Revokes a key at once and for good. Signed transactions of it that were not included become void. */
  revoke(key: AccessKeyName): Promise<AuthorizedKey>
  /** Lists who may take tokens outside the limits of any key. */
  allowances(): Promise<Allowances>
  /** Takes allowances back. */
  closeAllowances(open: readonly OpenAllowance[]): Promise<Omit<AuthorizedKey, 'key'>>
}

/**
 * Manages the access keys of an account for its owner. Pass the result to `purser.delegate`; list keys, read the rest
 * of their limits, revoke them. It signs with the account's main key and outside any policy, so run it in the place of
 * that key, never in the process of an agent.
 *
 * @throws TypeError for malformed options.
 * @see docs/wallets.md
 * @example
 * ```ts
 * const keys = tempoKeys({ account })
 * for (const { key, state, limits } of await keys.list()) console.log(key, state, limits)
 * await keys.revoke('0x15d34aaf54267db7d7c367839aaf71a00a2c6a65')
 * ```
 */
export function tempoKeys(given: TempoKeysOptions): TempoKeys {
  const options = ownOptions(given ?? {}, OPTIONS, 'tempoKeys()')
  const { account, chain = 4217, feeToken, since = 0n, ...rest } = options
  const { config, signs } = configureOwner(account, rest)
  const nodes = config.nodes(chain)
  if (nodes === undefined) throw new TypeError(`tempoKeys() has no node for chain ${chain}: name one in rpc`)
  const network = `eip155:${chain}`
  const currencies = currenciesOn(network, options.currencies)
  const owner: Owner = { config, signs, chain, network, nodes, currencies, feeToken, since }
  const act = async (calls: Calls): Promise<Done> => (await planTransaction(owner, calls)).carryOut()
  return Object.freeze<TempoKeys>({
    account: config.sender,
    network,
    kind: KIND,
    propose: (wish: AccessKeyRequest) => proposeKey(wish, owner),
    list: () => listKeys(owner),
    inspect: (key) => inspectKey(keyOf(key).key, owner),
    async revoke(name) {
      const { key } = keyOf(name)
      const done = await act([{ to: KEYCHAIN, data: revokeCall(key) }])
      return { key, ...done }
    },
    allowances: () => readAllowances(nodes, config.sender, currencies, since),
    closeAllowances: (open) =>
      act(open.map(({ currency, spender }) => approveCall(addressOf(currency), lower(spender), 0n))),
  })
}

/** @throws TypeError if the value is not an account. */
function configureOwner(
  account: TempoAccount | Hex,
  rest: Omit<TempoOptions, 'account'>,
): { readonly config: Config; readonly signs: boolean } {
  const signs = typeof account !== 'string'
  const config = configure({ ...rest, account: signs ? account : reader(account) })
  if (config.key !== undefined)
    throw new TypeError('tempoKeys() needs the account itself: an access key cannot manage keys')
  return { config, signs }
}

function reader(address: Hex): TempoAccount {
  return { address, type: 'local', sign: () => Promise.reject(new TypeError('An address cannot sign')) }
}

function currenciesOn(network: string, own: readonly Currency[] = []): readonly Currency[] {
  const known = new Map([...Object.values(CURRENCIES), ...own].map((each) => [each.id.toLowerCase(), each]))
  return [...known].filter(([id]) => id.startsWith(`${network}/erc20:`)).map(([, currency]) => currency)
}
