import {
  address,
  big,
  choice,
  currencies,
  domains,
  type Field,
  flag,
  list,
  matching,
  nodes,
  notify,
  path,
  preferences,
  rates,
  share,
  text,
  tokens,
  whole,
} from './fields.js'

const decimal = matching(/^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,18})?$/, 'a decimal number, for example 0.5')

/** The general settings of a purser. */
export const GENERAL = {
  policy: path,
  agent: text,
  ledger: path,
  currencies,
  rates,
  prefer: preferences,
  onRefusal: choice('respond', 'throw'),
  approvals: choice('ledger'),
  budgetAlerts: list(share),
  notify,
  doubtWindow: whole,
  patience: whole,
  maxKeptBody: whole,
  log: choice('on', 'off'),
} as const satisfies Section

/** The settings of each wallet, without its keys. Their names are those of the wallet's options. */
export const WALLETS = {
  tempo: {
    account: address('the address of the account that the access key acts for'),
    rpc: nodes,
    chains: list(whole),
    mode: choice('pull', 'push'),
    lanes: whole,
    feeToken: tokens,
    clientId: text,
    maxFeePerGas: big,
    maxPriorityFeePerGas: big,
    validityMs: whole,
  },
  session: {
    deposit: decimal,
    topUp: decimal,
    escrows: list(text),
    protocol: choice('v1', 'v2'),
    rpc: nodes,
    chains: list(whole),
    feeToken: tokens,
    maxFeePerGas: big,
    maxPriorityFeePerGas: big,
    validityMs: whole,
  },
  evm: {
    rpc: nodes,
    chains: list(whole),
    ways: list(choice('authorization', 'permit2', 'transaction', 'hash')),
    domains,
    gasLimit: big,
    maxFeePerGas: big,
    validityMs: whole,
  },
  stripe: {
    paymentMethod: text,
    account: text,
    livemode: flag,
    paymentMethodTypes: list(text),
    validityMs: whole,
    returnUrl: text,
    apiVersion: text,
    module: path,
  },
  lightning: {
    node: text,
    module: path,
    network: choice('mainnet', 'testnet', 'signet', 'regtest'),
    maxFeeSats: big,
    maxFeePartsPerMillion: big,
    timeoutMs: whole,
  },
} as const satisfies Readonly<Record<string, Section>>

/** The name of a wallet's settings. */
export type WalletName = keyof typeof WALLETS

/** The keys of each wallet. */
export const KEYS = {
  tempo: ['key'],
  session: ['key', 'voucherKey'],
  evm: ['key'],
  stripe: ['key'],
  lightning: [],
} as const satisfies Readonly<Record<WalletName, readonly string[]>>

/**
 * The possible places of a key. At most one of `file`, `fd` and `credential` may be set. A settings file never contains
 * the key itself.
 */
export const KEY = {
  file: path,
  unlink: flag,
  fd: matching(/^(?:[3-9]|[1-9][0-9]{1,3})$/, 'the number of an open descriptor from 3 on'),
  credential: text,
} as const satisfies Section

/** Settings by name. */
export type Section = Readonly<Record<string, Field<unknown>>>

/** The values of a section. */
export type Read<S extends Section> = {
  readonly [Name in keyof S]?: S[Name] extends Field<infer T> ? T : never
}

/** The path of a setting in the file, from the top level. */
export type SettingPath = readonly string[]

/** Lists all settings by their path in the file. */
export function allSettings(): readonly SettingPath[] {
  return [
    ...Object.keys(GENERAL).map((name) => [name]),
    ...Object.entries(WALLETS).flatMap(([wallet, section]) =>
      Object.keys(section).map((name) => ['wallets', wallet, name]),
    ),
    ...Object.entries(KEYS).flatMap(([wallet, keys]) =>
      keys.flatMap((key) => Object.keys(KEY).map((name) => ['wallets', wallet, key, name])),
    ),
  ]
}

/** Returns the variable of a setting: `wallets.session.topUp` is `PURSER_SESSION_TOP_UP`. */
export function variableOf(setting: SettingPath): string {
  const words = setting[0] === 'wallets' ? setting.slice(1) : setting
  return `PURSER_${words.map((word) => word.replace(/[A-Z]/g, '_$&').toUpperCase()).join('_')}`
}
