import { closestName } from '../errors/index.js'
import { invalid } from './invalid.js'
import { allSettings, variableOf } from './settings.js'

/** The environment of a process, or what stands for one in a test. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Names the file of settings. */
export const CONFIG = 'PURSER_CONFIG'
/** The one key that may be handed over by value. */
export const KEY_BY_VALUE = 'PURSER_TEMPO_KEY'
/** Set by `purser/auto` for the processes that this one starts: which wallets have their key in which process. */
export const TAKEN_BY = 'PURSER_KEY_TAKEN_BY'

/** Every variable that `purser/auto` reads, and the one that it sets. */
export const VARIABLES: readonly string[] = [CONFIG, ...allSettings().map(variableOf), KEY_BY_VALUE, TAKEN_BY]

const KNOWN: ReadonlySet<string> = new Set(VARIABLES)

/** Kubernetes and Docker set these beside a service of the name `purser`. */
const OF_A_SERVICE = /^PURSER_(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_[A-Z0-9_]+)?|NAME|ENV_.+)$/

/**
 * Refuses a variable that nothing reads: a mistyped name would mean another account, or no limit.
 *
 * @throws PaymentError `invalid_config` that suggests the closest name.
 */
export function checkVariables(env: Environment): void {
  for (const name of Object.keys(env)) {
    if (!name.startsWith('PURSER_') || KNOWN.has(name) || OF_A_SERVICE.test(name)) continue
    const file = `${name}_FILE`
    if (KNOWN.has(file))
      throw invalid(
        `${name} is no variable of purser/auto: this key is not handed over by value, use ${file}, ${name}_FD or ${name}_CREDENTIAL`,
      )
    const guess = closestName(name, VARIABLES)
    const advice = guess === undefined ? 'docs/auto.md lists them' : `did you mean ${guess}?`
    throw invalid(`${name} is no variable of purser/auto: ${advice}`)
  }
}

/** A variable that is set, and not to the empty text. What objects inherit is no variable. */
export function variableIn(env: Environment, name: string): string | undefined {
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  return value === '' ? undefined : value
}
