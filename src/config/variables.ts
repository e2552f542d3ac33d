import { closestName } from '../errors/index.js'
import { invalid } from './invalid.js'
import { allSettings, variableOf } from './settings.js'

/** The environment of a process, or a substitute in a test. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The variable that names the settings file. */
export const CONFIG = 'PURSER_CONFIG'
/** The only key that may be passed by value. */
export const KEY_BY_VALUE = 'PURSER_TEMPO_KEY'
/** Set by `purser/auto` for child processes: the process that has each wallet's key. */
export const TAKEN_BY = 'PURSER_KEY_TAKEN_BY'

/** All variables that `purser/auto` reads, and the one that it sets. */
export const VARIABLES: readonly string[] = [CONFIG, ...allSettings().map(variableOf), KEY_BY_VALUE, TAKEN_BY]

const KNOWN: ReadonlySet<string> = new Set(VARIABLES)

/** Kubernetes and Docker set these for a service named `purser`. */
const OF_A_SERVICE = /^PURSER_(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_[A-Z0-9_]+)?|NAME|ENV_.+)$/

/**
 * Refuses a variable that no setting reads: a mistyped name would mean another account, or no limit.
 *
 * @throws PaymentError `invalid_config` that suggests the closest name.
 */
export function checkVariables(env: Environment): void {
  for (const name of Object.keys(env)) {
    if (!name.startsWith('PURSER_') || KNOWN.has(name) || OF_A_SERVICE.test(name)) continue
    const file = `${name}_FILE`
    if (KNOWN.has(file))
      throw invalid(
        `${name} is not a variable of purser/auto: this key cannot be passed by value, use ${file}, ${name}_FD or ${name}_CREDENTIAL`,
      )
    const guess = closestName(name, VARIABLES)
    const advice = guess === undefined ? 'docs/auto.md lists them' : `did you mean ${guess}?`
    throw invalid(`${name} is not a variable of purser/auto: ${advice}`)
  }
}

/** Returns a variable that is set and not empty. Inherited properties are not variables. */
export function variableIn(env: Environment, name: string): string | undefined {
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  return value === '' ? undefined : value
}
