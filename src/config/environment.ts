import type { PaymentError } from '../errors/index.js'
import { type ConfigFile, configValue } from './config.js'
import type { Origin } from './fields.js'
import { invalid } from './invalid.js'
import { type KeySource, keySourceOf, type Sources, usualCredential } from './key-source.js'
import {
  GENERAL,
  KEYS,
  type Read,
  type Section,
  type SettingPath,
  variableOf,
  WALLETS,
  type WalletName,
} from './settings.js'
import { checkVariables, type Environment, variableIn } from './variables.js'

/** The settings of one wallet. `key` is absent for a wallet without a key, or with the key of another wallet. */
export type WalletSettings<Name extends WalletName> = Read<(typeof WALLETS)[Name]> & {
  readonly key?: KeySource
  readonly voucherKey?: KeySource
}

/** The settings that `purser/auto` reads from the environment and the settings file. */
export type AutoSettings = Omit<Read<typeof GENERAL>, 'log' | 'policy'> & {
  /** The path of the policy file. */
  readonly policy: string
  /** True for `log: off`: no remarks are printed. */
  readonly quiet: boolean
  readonly wallets: { readonly [Name in WalletName]?: WalletSettings<Name> }
}

/**
 * Reads the settings without changing the environment. A variable overrides the file.
 *
 * @throws PaymentError `invalid_config` that names the variable or the key of the file, and how to fix it.
 */
export function readEnvironment(env: Environment, file?: ConfigFile): AutoSettings {
  const { policy, log, ...general } = readGeneral(env, file)
  if (policy === undefined) throw noPolicy()
  return { ...general, policy, quiet: log === 'off', wallets: readWallets(sourcesOf(env, file)) }
}

/**
 * Reads the general settings: all settings except those of wallets. They are enough to read a ledger.
 *
 * @throws PaymentError `invalid_config` that names the variable or the key of the file, and how to fix it.
 */
export function readGeneral(env: Environment, file?: ConfigFile): Read<typeof GENERAL> {
  checkVariables(env)
  return readSection(GENERAL, sourcesOf(env, file), [])
}

/**
 * Reads the path of the ledger alone, so that a mistake in another setting does not matter. A variable needs no file.
 *
 * @throws PaymentError `invalid_config`
 */
export function readLedgerPath(env: Environment, file?: ConfigFile): string | undefined {
  return readSection({ ledger: GENERAL.ledger }, sourcesOf(env, file), []).ledger
}

function sourcesOf(env: Environment, file: ConfigFile | undefined): Sources {
  return file === undefined ? { env } : { env, file }
}

/** Creates the error for settings without a policy. */
export function noPolicy(): PaymentError {
  return invalid(
    'PURSER_POLICY must name a policy file, or policy in the file that PURSER_CONFIG names: without a policy nothing may be paid. `purser init` makes both files',
  )
}

function readWallets(sources: Sources): AutoSettings['wallets'] {
  const tempo = walletOf('tempo', WALLETS.tempo, sources)
  const session = walletOf('session', WALLETS.session, sources)
  const evm = walletOf('evm', WALLETS.evm, sources)
  const stripe = walletOf('stripe', WALLETS.stripe, sources)
  const lightning = walletOf('lightning', WALLETS.lightning, sources)
  const named = [tempo, session, evm, stripe, lightning].filter((wallet) => wallet !== undefined)
  if (named.length === 0) throw noKey()
  return {
    ...(tempo === undefined ? {} : { tempo }),
    ...(session === undefined ? {} : { session }),
    ...(evm === undefined ? {} : { evm }),
    ...(stripe === undefined ? {} : { stripe }),
    ...(lightning === undefined ? {} : { lightning }),
  }
}

/** The wallets that need their own key. */
const ONE_KEY: ReadonlySet<WalletName> = new Set(['evm', 'stripe'])

/** Returns the settings of a wallet if any of them, or its key, is set. */
function walletOf<S extends Section>(
  name: WalletName,
  section: S,
  sources: Sources,
): (Read<S> & { readonly key?: KeySource; readonly voucherKey?: KeySource }) | undefined {
  const read = readSection(section, sources, ['wallets', name])
  const keys = Object.fromEntries(
    KEYS[name].flatMap((key) => {
      const source = keySourceOf(sources, name, key)
      return source === undefined ? [] : [[key, source]]
    }),
  )
  const isSet = Object.keys(read).length > 0
  if (keys['key'] === undefined && (name === 'tempo' || (isSet && ONE_KEY.has(name)))) {
    const usual = usualCredential(sources, name)
    if (usual !== undefined) keys['key'] = usual
  }
  if (!isSet && Object.keys(keys).length === 0) return undefined
  return { ...read, ...keys }
}

function readSection<S extends Section>(section: S, sources: Sources, at: SettingPath): Read<S> {
  const read: { [Name in keyof S]?: Read<S>[Name] } = {}
  for (const [name, field] of Object.entries(section)) {
    const found = settingAt(sources, [...at, name])
    if (found !== undefined) Object.assign(read, { [name]: field(found.value, found.origin) })
  }
  return read
}

function settingAt(
  { env, file }: Sources,
  at: SettingPath,
): { readonly value: unknown; readonly origin: Origin } | undefined {
  const name = variableOf(at)
  const variable = variableIn(env, name)
  if (variable !== undefined) return { value: variable, origin: { name } }
  const written = configValue(file, at)
  if (file === undefined || written === undefined) return undefined
  return { value: written, origin: { name: `${at.join('.')} of ${file.path}`, file: file.path } }
}

/** Creates the error for a process without any key. */
export function noKey(): Error {
  return invalid(
    'PURSER_TEMPO_KEY_FILE must name a file that holds the private key to pay with (or use PURSER_TEMPO_KEY_FD, PURSER_TEMPO_KEY_CREDENTIAL or PURSER_TEMPO_KEY, or name another wallet)',
  )
}
