import { isAbsolute, join } from 'node:path'
import { isObject } from '../util/objects.js'
import { type ConfigFile, configValue } from './config.js'
import type { Field } from './fields.js'
import { invalid } from './invalid.js'
import { KEY, type SettingPath, variableOf } from './settings.js'
import { type Environment, KEY_BY_VALUE, TAKEN_BY, variableIn } from './variables.js'

/** The place of a key, and the name of that place in errors. */
export type KeySource = { readonly name: string } /** `PURSER_TEMPO_KEY`: the key itself. */ & (
  | { readonly hex: string }
  /** A file. `unlink`: it is deleted after it was read. */
  | { readonly file: string; readonly unlink?: true }
  /** An open descriptor. It is read to its end and closed. */
  | { readonly descriptor: number }
  /** A credential of a systemd service. `optional`: no setting named it, so it may be absent. */
  | { readonly credential: string; readonly optional?: true }
  /** The parent process has the key and keeps it. */
  | { readonly takenBy: string }
)

/** The sources of settings. A variable overrides the file. */
export interface Sources {
  readonly env: Environment
  readonly file?: ConfigFile
}

/**
 * Finds the place of a key: a variable, a parent process that keeps it, or the settings file.
 *
 * @param wallet - The wallet's name in the settings.
 * @param key - The key's name in the settings.
 * @returns Undefined if no setting names a place.
 * @throws PaymentError `invalid_config` if two places are named, or an impossible one.
 */
export function keySourceOf(sources: Sources, wallet: string, key: string): KeySource | undefined {
  const at = ['wallets', wallet, key]
  const named = fromVariables(sources.env, at)
  if (named !== undefined) return named
  const written = fromFile(sources, at)
  const takenBy = takenKeys(sources.env).get(takenName(wallet, key))
  if (takenBy === undefined || (written !== undefined && isLasting(written))) return written
  return { name: TAKEN_BY, takenBy }
}

/** Tells whether a place keeps its content after a read. Paths below `/dev` and `/proc` are pipes of one process. */
function isLasting(source: KeySource): boolean {
  if ('file' in source) return source.unlink !== true && !/^\/(?:dev|proc)\//.test(source.file)
  return 'credential' in source
}

/** Returns the default credential of a wallet in a systemd service: `purser-tempo-key`. */
export function usualCredential({ env }: Sources, wallet: string): KeySource | undefined {
  if (variableIn(env, 'CREDENTIALS_DIRECTORY') === undefined) return undefined
  const name = variableOf(['wallets', wallet, 'key', 'credential'])
  return { name, credential: credentialPath(env, `purser-${wallet}-key`, name), optional: true }
}

/**
 * Returns the name of a key in `PURSER_KEY_TAKEN_BY`: the wallet's name, plus the key's name if it is the wallet's
 * second key.
 */
export function takenName(wallet: string, key: string): string {
  return key === 'key' ? wallet : `${wallet}.${key}`
}

/** Parses the map from keys to processes: `tempo=12,evm=12`. */
export function takenKeys(env: Environment): ReadonlyMap<string, string> {
  const entries = (variableIn(env, TAKEN_BY) ?? '').split(',')
  return new Map(
    entries.flatMap((entry) => {
      const [, name, process] = /^([A-Za-z.]{1,40})=([0-9]{1,10})$/.exec(entry) ?? []
      return name === undefined || process === undefined ? [] : [[name, process] as const]
    }),
  )
}

function fromVariables(env: Environment, at: SettingPath): KeySource | undefined {
  const places = ['file', 'fd', 'credential'].map((place) => variableOf([...at, place]))
  const byValue = variableOf(at)
  if (byValue === KEY_BY_VALUE) places.push(byValue)
  const set = places.filter((name) => variableIn(env, name) !== undefined)
  const [first, second] = set
  if (first !== undefined && second !== undefined) throw invalid(`Set ${first} or ${second}, not both`)
  const hex = first === byValue ? variableIn(env, byValue) : undefined
  const given = new Map(Object.keys(KEY).map((place) => [place, variableIn(env, variableOf([...at, place]))]))
  const unlinkName = variableOf([...at, 'unlink'])
  if (given.get('unlink') !== undefined && given.get('unlink') !== '1')
    throw invalid(`${unlinkName} must be 1: leave it out if the key file is to stay`)
  if (given.get('unlink') !== undefined && given.get('file') === undefined)
    throw invalid(`${unlinkName} removes the file that ${variableOf([...at, 'file'])} names: set both`)
  if (hex !== undefined) return { name: byValue, hex }
  return first === undefined
    ? undefined
    : sourceOf(env, (place) => ({ value: given.get(place), name: variableOf([...at, place]) }))
}

function fromFile({ env, file }: Sources, at: SettingPath): KeySource | undefined {
  const written = configValue(file, at)
  if (file === undefined || written === undefined) return undefined
  const places = isObject(written) ? written : { file: written }
  const nameOf = (place: string) => `${[...at, place].join('.')} of ${file.path}`
  const [first, second] = ['file', 'fd', 'credential'].filter((place) => has(places, place))
  if (first !== undefined && second !== undefined)
    throw invalid(`Set ${nameOf(first)} or its ${second}, not both`)
  if (first === undefined)
    throw invalid(`${at.join('.')} of ${file.path} must have one of file, fd and credential`)
  if (has(places, 'unlink') && first !== 'file')
    throw invalid(`${nameOf('unlink')} removes a key file: name it as file`)
  return sourceOf(env, (place) => ({
    value: has(places, place) ? places[place] : undefined,
    name: nameOf(place),
    file: file.path,
  }))
}

/** Returns the place of a key as it was set, before it is read. */
type Given = (place: keyof typeof KEY) => {
  readonly value: unknown
  readonly name: string
  readonly file?: string
}

function sourceOf(env: Environment, given: Given): KeySource {
  const read = <T>(place: keyof typeof KEY, field: Field<T>): { value: T; name: string } | undefined => {
    const { value, ...origin } = given(place)
    return value === undefined ? undefined : { value: field(value, origin), name: origin.name }
  }
  const file = read('file', KEY.file)
  if (file !== undefined) {
    const unlink = read('unlink', KEY.unlink)?.value === true
    return { name: file.name, file: file.value, ...(unlink ? { unlink } : {}) }
  }
  const descriptor = read('fd', KEY.fd)
  if (descriptor !== undefined) return { name: descriptor.name, descriptor: Number(descriptor.value) }
  const { value, name } = read('credential', KEY.credential) ?? { value: '', name: given('credential').name }
  return { name, credential: credentialPath(env, value, name) }
}

function has(places: Readonly<Record<string, unknown>>, place: string): boolean {
  return places[place] !== undefined && places[place] !== null
}

function credentialPath(env: Environment, credential: string, name: string): string {
  const folder = variableIn(env, 'CREDENTIALS_DIRECTORY')
  if (folder === undefined || !isAbsolute(folder))
    throw invalid(`${name} needs CREDENTIALS_DIRECTORY, which systemd sets for a service`)
  if (!/^[\w.-]{1,255}$/.test(credential) || /^\.+$/.test(credential))
    throw invalid(`${name} must be the name of a credential, without a path`)
  return join(folder, credential)
}
