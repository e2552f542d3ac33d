import { suggestion } from '../errors/index.js'
import { invalid } from './invalid.js'

/** The environment of a process, or what stands for one in a test. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Every variable that `purser/auto` reads, and the one that it sets. */
const VARIABLES = {
  PURSER_POLICY: true,
  PURSER_AGENT: true,
  PURSER_LEDGER: true,
  PURSER_CURRENCIES: true,
  PURSER_LOG: true,
  PURSER_TEMPO_ACCOUNT: true,
  PURSER_TEMPO_RPC: true,
  PURSER_TEMPO_KEY_FILE: true,
  PURSER_TEMPO_KEY_UNLINK: true,
  PURSER_TEMPO_KEY_FD: true,
  PURSER_TEMPO_KEY_CREDENTIAL: true,
  PURSER_TEMPO_KEY: true,
  PURSER_KEY_TAKEN_BY: true,
} as const

export type Variable = keyof typeof VARIABLES

/** Kubernetes and Docker set these beside a service of the name `purser`. */
const OF_A_SERVICE = /^PURSER_(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_[A-Z0-9_]+)?|NAME|ENV_.+)$/

/**
 * Refuses a variable that nothing reads: a mistyped name would mean another account, or no limit.
 *
 * @throws PaymentError `invalid_config` that suggests the closest name.
 */
export function checkVariables(env: Environment): void {
  for (const name of Object.keys(env))
    if (name.startsWith('PURSER_') && !Object.hasOwn(VARIABLES, name) && !OF_A_SERVICE.test(name))
      throw invalid(`${name} is no variable of purser/auto${suggestion(name, Object.keys(VARIABLES))}`)
}

/** A variable that is set, and not to the empty text. What objects inherit is no variable. */
export function variableIn(env: Environment, name: Variable | 'CREDENTIALS_DIRECTORY'): string | undefined {
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  return value === '' ? undefined : value
}
