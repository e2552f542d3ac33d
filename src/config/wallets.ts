import type { Currency } from '../money/index.js'
import type { Wallet } from '../wallet/index.js'
import { AGENT_KEY, agentAccount } from './agent-key.js'
import { type AutoSettings, noKey } from './environment.js'
import { invalid } from './invalid.js'
import { CHAIN_KEY, type KeyForm, readKey, STRIPE_KEY } from './key.js'
import { type KeySource, takenName } from './key-source.js'
import { type KeyedWallet, keylessWallet, withoutKey } from './keyless.js'
import { lightningFunctions, stripeFunctions } from './modules.js'
import { variableOf, type WalletName } from './settings.js'

/** The functions that creating the wallets needs. */
export interface WalletSurroundings {
  /** Prints a sentence for the operator of the program. */
  readonly tell: (sentence: string) => void
  /** Called for a key that no other process can read any more, with its former place: `tempo`, `session.voucherKey`. */
  readonly taken: (name: string, variable: string) => void
  /** The `fetch` for requests to nodes. */
  readonly fetch: typeof globalThis.fetch
  readonly currencies: readonly Currency[]
}

/** The wallets, and whether any of them can pay. */
export interface MadeWallets {
  readonly wallets: readonly Wallet[]
  readonly able: boolean
}

/**
 * Creates the wallets of the settings. Only the needed modules are loaded.
 *
 * @throws PaymentError `invalid_config` that names the wallet and how to fix it.
 */
export async function makeWallets(
  settings: AutoSettings['wallets'],
  surroundings: WalletSurroundings,
): Promise<MadeWallets> {
  const keys = new Keys(surroundings)
  const made: Made[] = []
  for (const make of [tempoWallet, sessionWallet, evmWallet, stripeWallet, lightningWallet]) {
    const one = await make(settings, keys, surroundings)
    if (one !== undefined) made.push(one)
  }
  if (made.length === 0) throw noKey()
  return { wallets: made.map(({ wallet }) => wallet), able: made.some(({ able }) => able) }
}

interface Made {
  readonly wallet: Wallet
  readonly able: boolean
}

type MakeWallet = (
  settings: AutoSettings['wallets'],
  keys: Keys,
  surroundings: WalletSurroundings,
) => Promise<Made | undefined>

/** Reads each key once, and reports the state of its place. */
class Keys {
  readonly #surroundings: WalletSurroundings
  #told = false

  constructor(surroundings: WalletSurroundings) {
    this.#surroundings = surroundings
  }

  async read<Key>(
    wallet: WalletName,
    name: 'key' | 'voucherKey',
    source: Exclude<KeySource, { takenBy: string }>,
    form: KeyForm<Key>,
  ): Promise<Key | undefined> {
    const read = await readKey(source, form)
    if (read === undefined) return undefined
    if (read.remark !== undefined) this.#surroundings.tell(read.remark)
    if (!read.again) this.#surroundings.taken(takenName(wallet, name), variableOf(['wallets', wallet, name]))
    return read.key
  }

  /** Creates the substitute for a wallet whose key is in another process. */
  keyless(wallet: KeyedWallet, takenBy: string): Made {
    if (!this.#told) this.#surroundings.tell(withoutKey(takenBy))
    this.#told = true
    return { wallet: keylessWallet(wallet, takenBy), able: false }
  }
}

/** The Tempo key, shared with its sessions. Two wallets read it, but a descriptor can be read only once. */
const tempoKeys = new WeakMap<Keys, `0x${string}`>()

const tempoWallet: MakeWallet = async ({ tempo: given }, keys, { fetch, currencies }) => {
  if (given === undefined) return undefined
  const { key: source, voucherKey: _, account, ...options } = given
  if (source === undefined) throw lacksKey('tempo')
  if ('takenBy' in source) return keys.keyless('tempo', source.takenBy)
  const key = await keys.read('tempo', 'key', source, AGENT_KEY)
  // The default credential does not exist: another wallet pays.
  if (key === undefined && account === undefined && Object.keys(options).length === 0) return undefined
  if (key === undefined) throw lacksKey('tempo')
  if (key.type === 'secp256k1') tempoKeys.set(keys, key.secret)
  else if (account === undefined)
    throw invalid(
      'wallets.tempo has a P-256 key, which pays only for an account that has authorized it: set wallets.tempo.account (PURSER_TEMPO_ACCOUNT)',
    )
  const [{ tempo }, signer] = await Promise.all([import('../wallet/tempo/index.js'), agentAccount(key)])
  return made('tempo', () =>
    tempo({
      ...options,
      fetch,
      currencies,
      ...(account === undefined ? { account: signer } : { account, accessKey: signer }),
    }),
  )
}

const sessionWallet: MakeWallet = async (settings, keys, { fetch, currencies }) => {
  const given = settings.session
  if (given === undefined) return undefined
  const { key: source = sharedKey(settings), voucherKey, ...options } = given
  for (const one of [source, voucherKey])
    if (one !== undefined && 'takenBy' in one) return keys.keyless('session', one.takenBy)
  const key = await sessionKey(given.key, keys)
  const voucher =
    voucherKey === undefined || 'takenBy' in voucherKey
      ? undefined
      : await keys.read('session', 'voucherKey', voucherKey, CHAIN_KEY)
  const [{ tempoSession }, account, authorizedSigner] = await Promise.all([
    import('../session/index.js'),
    accountOf(key),
    voucher === undefined ? undefined : accountOf(voucher),
  ])
  return made('session', () =>
    tempoSession({
      ...options,
      fetch,
      currencies,
      account,
      ...(authorizedSigner === undefined ? {} : { authorizedSigner }),
    }),
  )
}

/** Returns the key of sessions without their own: the Tempo wallet's key, which must be the account's. */
function sharedKey({ tempo }: AutoSettings['wallets']): KeySource | undefined {
  if (tempo?.account !== undefined)
    throw invalid(
      'wallets.session needs a key of its own (PURSER_SESSION_KEY_FILE): an access key cannot open channels',
    )
  return tempo?.key
}

async function sessionKey(source: KeySource | undefined, keys: Keys): Promise<`0x${string}`> {
  const key =
    source === undefined || 'takenBy' in source
      ? tempoKeys.get(keys)
      : await keys.read('session', 'key', source, CHAIN_KEY)
  if (key === undefined) throw lacksKey('session')
  return key
}

const evmWallet: MakeWallet = async ({ evm: given }, keys, { fetch, currencies }) => {
  if (given === undefined) return undefined
  const { key: source, voucherKey: _, gasLimit: limit, maxFeePerGas, ...options } = given
  if (source === undefined) throw lacksKey('evm')
  if ('takenBy' in source) return keys.keyless('evm', source.takenBy)
  const key = await keys.read('evm', 'key', source, CHAIN_KEY)
  if (key === undefined) throw lacksKey('evm')
  const gas = {
    ...(limit === undefined ? {} : { limit }),
    ...(maxFeePerGas === undefined ? {} : { maxFeePerGas }),
  }
  const [{ evm }, account] = await Promise.all([import('../wallet/evm/index.js'), accountOf(key)])
  return made('evm', () => evm({ ...options, gas, account, fetch, currencies }))
}

const stripeWallet: MakeWallet = async ({ stripe: given }, keys) => {
  if (given === undefined) return undefined
  const { key: source, voucherKey: _, module, ...options } = given
  const { stripe } = await import('../wallet/stripe/index.js')
  if (module !== undefined) {
    if (source !== undefined && !('optional' in source))
      throw invalid('wallets.stripe has a key and a module: use one of the two')
    const { returnUrl, apiVersion, ...common } = options
    if (returnUrl !== undefined || apiVersion !== undefined)
      throw invalid('wallets.stripe has a module: returnUrl and apiVersion are for a key')
    const functions = await stripeFunctions(module)
    return made('stripe', () => stripe({ ...common, ...functions }))
  }
  if (source === undefined) throw lacksKey('stripe')
  if ('takenBy' in source) return keys.keyless('stripe', source.takenBy)
  const secretKey = await keys.read('stripe', 'key', source, STRIPE_KEY)
  if (secretKey === undefined) throw lacksKey('stripe')
  const { paymentMethod } = options
  if (paymentMethod === undefined)
    throw invalid('wallets.stripe needs a payment method: PURSER_STRIPE_PAYMENT_METHOD=pm_…')
  return made('stripe', () => stripe({ ...options, paymentMethod, secretKey }))
}

const lightningWallet: MakeWallet = async ({ lightning: given }) => {
  if (given === undefined) return undefined
  const { module, node, maxFeeSats: sats, maxFeePartsPerMillion: partsPerMillion, network, timeoutMs } = given
  if (module === undefined || node === undefined)
    throw invalid(
      'wallets.lightning needs the name of a node and a module that exports payInvoice: PURSER_LIGHTNING_NODE and PURSER_LIGHTNING_MODULE',
    )
  const functions = await lightningFunctions(module)
  const { lightning } = await import('../wallet/lightning/index.js')
  return made('lightning', () =>
    lightning({
      node,
      ...functions,
      ...(network === undefined ? {} : { network }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      maxFee: {
        ...(sats === undefined ? {} : { sats }),
        ...(partsPerMillion === undefined ? {} : { partsPerMillion }),
      },
    }),
  )
}

async function accountOf(key: `0x${string}`) {
  const { privateKeyToAccount } = await import('viem/accounts')
  return privateKeyToAccount(key)
}

/** Rewords a wallet's errors about options so that they name the settings. */
function made(name: WalletName, make: () => Wallet): Made {
  try {
    return { wallet: make(), able: true }
  } catch (error) {
    if (error instanceof TypeError) throw invalid(`wallets.${name}: ${error.message}`)
    throw error
  }
}

function lacksKey(wallet: KeyedWallet): Error {
  const variable = variableOf(['wallets', wallet, 'key'])
  return invalid(
    `wallets.${wallet} needs a key: name a file by ${variable}_FILE (or use ${variable}_FD or ${variable}_CREDENTIAL)`,
  )
}
