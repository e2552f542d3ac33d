import { isAbsolute, join } from 'node:path'
import { invalid } from './invalid.js'
import { checkVariables, type Environment, type Variable, variableIn } from './variables.js'

/** Where the private key comes from. */
export type KeySource =
  /** `PURSER_TEMPO_KEY`: the key itself. */
  | { readonly hex: string }
  /** `PURSER_TEMPO_KEY_FILE`. `unlink`: the file is removed once it was read. */
  | { readonly file: string; readonly unlink?: true }
  /** `PURSER_TEMPO_KEY_FD`: an open descriptor, read to its end and closed. */
  | { readonly descriptor: number }
  /** A credential of a systemd service. `optional`: nobody named it, so it need not be there. */
  | { readonly credential: string; readonly optional?: true }
  /** The process that started this one has the key, and keeps it. */
  | { readonly takenBy: string }

/** What `purser/auto` reads from the environment. */
export interface AutoSettings {
  /** `PURSER_POLICY`: the policy file. */
  readonly policy: string
  /** `PURSER_AGENT`. */
  readonly agent?: string
  /** `PURSER_LEDGER`: the ledger file. Default: the user's state directory. */
  readonly ledger?: string
  readonly key: KeySource
  /** `PURSER_TEMPO_ACCOUNT`: the account that the key is an access key of. Default: the key's own. */
  readonly account?: `0x${string}`
  /** `PURSER_CURRENCIES`: a JSON file with currencies beyond the built-in table. */
  readonly currencies?: string
  /** `PURSER_TEMPO_RPC`: `4217=https://…,42431=https://…`; several URLs of one chain by repeating it. */
  readonly rpc: Readonly<Record<number, readonly string[]>>
  /** `PURSER_LOG=off`: nothing is remarked on. */
  readonly quiet: boolean
}

/**
 * Reads the environment, without touching it.
 *
 * @throws PaymentError `invalid_config` that names the variable and the mend.
 */
export function readEnvironment(env: Environment): AutoSettings {
  checkVariables(env)
  const policy = variableIn(env, 'PURSER_POLICY')
  const agent = variableIn(env, 'PURSER_AGENT')
  const ledger = variableIn(env, 'PURSER_LEDGER')
  const currencies = variableIn(env, 'PURSER_CURRENCIES')
  if (policy === undefined)
    throw invalid('PURSER_POLICY must name a policy file: without a policy nothing may be paid')
  return {
    policy,
    key: readKeySource(env),
    rpc: readRpc(variableIn(env, 'PURSER_TEMPO_RPC') ?? ''),
    quiet: readQuiet(variableIn(env, 'PURSER_LOG')),
    ...(agent === undefined ? {} : { agent }),
    ...(ledger === undefined ? {} : { ledger }),
    ...(currencies === undefined ? {} : { currencies }),
    ...readAccount(variableIn(env, 'PURSER_TEMPO_ACCOUNT')),
  }
}

function readAccount(text: string | undefined): Pick<AutoSettings, 'account'> {
  if (text === undefined) return {}
  if (!/^0x[0-9a-fA-F]{40}$/.test(text))
    throw invalid('PURSER_TEMPO_ACCOUNT must be the address of the account that the access key acts for')
  return { account: `0x${text.slice(2)}` }
}

function readQuiet(text: string | undefined): boolean {
  if (text !== undefined && text !== 'on' && text !== 'off') throw invalid('PURSER_LOG must be on or off')
  return text === 'off'
}

/** The ways to hand a key over. At most one of them may be used. */
const KEYS = [
  'PURSER_TEMPO_KEY_FILE',
  'PURSER_TEMPO_KEY_FD',
  'PURSER_TEMPO_KEY_CREDENTIAL',
  'PURSER_TEMPO_KEY',
] as const satisfies readonly Variable[]

/** What a credential is called if nobody says. */
const CREDENTIAL = 'purser-tempo-key'

function readKeySource(env: Environment): KeySource {
  const [name, other] = KEYS.filter((each) => variableIn(env, each) !== undefined)
  if (name !== undefined && other !== undefined) throw invalid(`Set ${name} or ${other}, not both`)
  const unlink = readUnlink(variableIn(env, 'PURSER_TEMPO_KEY_UNLINK'))
  if (unlink && name !== 'PURSER_TEMPO_KEY_FILE')
    throw invalid('PURSER_TEMPO_KEY_UNLINK removes the file that PURSER_TEMPO_KEY_FILE names: set both')
  const value = name === undefined ? undefined : variableIn(env, name)
  if (name === undefined || value === undefined) return unnamedSource(env)
  switch (name) {
    case 'PURSER_TEMPO_KEY_FILE':
      return { file: value, ...(unlink ? { unlink } : {}) }
    case 'PURSER_TEMPO_KEY_FD':
      return readDescriptor(value)
    case 'PURSER_TEMPO_KEY_CREDENTIAL':
      return { credential: credentialPath(env, value) }
    case 'PURSER_TEMPO_KEY':
      return { hex: value }
  }
}

function unnamedSource(env: Environment): KeySource {
  const takenBy = variableIn(env, 'PURSER_KEY_TAKEN_BY')
  if (takenBy !== undefined) return { takenBy }
  if (variableIn(env, 'CREDENTIALS_DIRECTORY') !== undefined)
    return { credential: credentialPath(env, CREDENTIAL), optional: true }
  throw noKey()
}

/** The error for a process that was given no key in any way. */
export function noKey(): Error {
  return invalid(
    'PURSER_TEMPO_KEY_FILE must name a file that holds the private key to pay with (or use PURSER_TEMPO_KEY_FD, PURSER_TEMPO_KEY_CREDENTIAL or PURSER_TEMPO_KEY)',
  )
}

function readUnlink(text: string | undefined): true | undefined {
  if (text !== undefined && text !== '1')
    throw invalid('PURSER_TEMPO_KEY_UNLINK must be 1: leave it out if the key file is to stay')
  return text === undefined ? undefined : true
}

function readDescriptor(text: string): KeySource {
  // 0 to 2 are the program's own input and output.
  if (!/^(?:[3-9]|[1-9][0-9]{1,3})$/.test(text))
    throw invalid('PURSER_TEMPO_KEY_FD must be the number of an open descriptor from 3 on')
  return { descriptor: Number(text) }
}

function credentialPath(env: Environment, name: string): string {
  const folder = variableIn(env, 'CREDENTIALS_DIRECTORY')
  if (folder === undefined || !isAbsolute(folder))
    throw invalid('PURSER_TEMPO_KEY_CREDENTIAL needs CREDENTIALS_DIRECTORY, which systemd sets for a service')
  if (!/^[\w.-]{1,255}$/.test(name) || /^\.+$/.test(name))
    throw invalid('PURSER_TEMPO_KEY_CREDENTIAL must be the name of a credential, without a path')
  return join(folder, name)
}

function readRpc(text: string): Record<number, string[]> {
  const urls: Record<number, string[]> = {}
  for (const entry of text.split(',').filter((part) => part.trim() !== '')) {
    const match = /^\s*([1-9][0-9]{0,15})=(\S+)\s*$/.exec(entry)
    if (match?.[1] === undefined || match[2] === undefined || !URL.canParse(match[2]))
      throw invalid('PURSER_TEMPO_RPC must be a list like 4217=https://rpc.example,42431=https://rpc.example')
    const chain = Number(match[1])
    urls[chain] = [...(urls[chain] ?? []), match[2]]
  }
  return urls
}
