import { readFile } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { clean, suggestion } from '../errors/index.js'
import { parseYaml, type Yaml, yamlValue } from '../policy/file/index.js'
import { isObject } from '../util/objects.js'
import { invalid } from './invalid.js'
import { GENERAL, KEY, KEYS, type SettingPath, WALLETS } from './settings.js'
import { CONFIG, type Environment, variableIn } from './variables.js'

/** A settings file. */
export interface ConfigFile {
  readonly path: string
  /** Its content. Numbers are texts, as they were written. */
  readonly value: Readonly<Record<string, unknown>>
}

const LARGEST = 1024 * 1024

/**
 * Reads the settings file: the one that `PURSER_CONFIG` names; otherwise `purser/config.yaml` in the user's
 * configuration folder, if it exists and `PURSER_POLICY` is not set. A file in the working directory is never read,
 * because anyone who can write there could change the spending limits.
 *
 * @returns Undefined if there is none.
 * @throws PaymentError `invalid_config` that names the file, and the key or line.
 */
export async function readConfig(env: Environment): Promise<ConfigFile | undefined> {
  const named = variableIn(env, CONFIG)
  const path = named === undefined ? usualPath(env) : resolve(named)
  if (path === undefined) return undefined
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    if (named === undefined && Object(error).code === 'ENOENT') return undefined
    throw invalid(
      named === undefined ? `${path} cannot be read` : `The file that ${CONFIG} names cannot be read`,
    )
  }
  if (bytes.length > LARGEST) throw invalid(`${path} is too large to be a settings file`)
  return parseConfig(new TextDecoder().decode(bytes), path)
}

function usualPath(env: Environment): string | undefined {
  if (variableIn(env, 'PURSER_POLICY') !== undefined) return undefined
  const folder = variableIn(env, 'XDG_CONFIG_HOME')
  if (folder !== undefined && isAbsolute(folder)) return join(folder, 'purser', 'config.yaml')
  const home = variableIn(env, 'HOME')
  if (home === undefined || !isAbsolute(home)) return undefined
  return join(home, '.config', 'purser', 'config.yaml')
}

/**
 * Parses the text of a settings file, in YAML or JSON.
 *
 * @throws PaymentError `invalid_config` that names the file, and the key or line.
 */
export function parseConfig(text: string, path: string): ConfigFile {
  const yaml = parseYaml(text, (numeral) => numeral)
  // The parser's own message is dropped, because it may quote the surrounding text.
  if (yaml.problem !== undefined) throw invalid(`${path} cannot be read as YAML or JSON (line ${yaml.line})`)
  const value: unknown = ownOnly(contentOf(yaml, path))
  if (!isObject(value)) throw invalid(`${path} must be a mapping of settings`)
  checkKeys(value, path)
  return { path, value }
}

function contentOf(yaml: Yaml, path: string): unknown {
  try {
    return yamlValue(yaml)
  } catch {
    throw invalid(`${path} has aliases that expand too far`)
  }
}

/** Copies a value without prototypes, so that inherited properties are never settings. */
function ownOnly(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ownOnly)
  if (!isObject(value)) return value
  const copy: Record<string, unknown> = Object.create(null)
  for (const [key, inner] of Object.entries(value)) copy[key] = ownOnly(inner)
  return copy
}

/** Returns the value at a path of the file; undefined if it is absent, or if its key has no value. */
export function configValue(file: ConfigFile | undefined, path: SettingPath): unknown {
  let value: unknown = file?.value
  for (const key of path) value = isObject(value) ? value[key] : undefined
  return value ?? undefined
}

/** Refuses unknown names: a mistyped one would mean another account, or no limit. */
function checkKeys(value: Readonly<Record<string, unknown>>, file: string): void {
  check(value, [...Object.keys(GENERAL), 'wallets'], file, '')
  for (const [wallet, settings] of mappingAt(value, 'wallets', file, '', Object.keys(WALLETS))) {
    const known = walletKeys(wallet)
    const at = `wallets.${wallet}`
    if (settings === null) continue
    if (!isObject(settings)) throw invalid(`${at} of ${file} must be a mapping of settings`)
    check(settings, known.all, file, at)
    for (const key of known.keys) checkKey(settings[key], `${at}.${key}`, file)
  }
}

function walletKeys(wallet: string): { readonly all: readonly string[]; readonly keys: readonly string[] } {
  const own: Readonly<Record<string, object>> = WALLETS
  const keysOf: Readonly<Record<string, readonly string[]>> = KEYS
  const keys = keysOf[wallet] ?? []
  return { all: [...Object.keys(own[wallet] ?? {}), ...keys], keys }
}

/** Checks a key setting: the path of a file, or a mapping that says where the key is. */
function checkKey(key: unknown, at: string, file: string): void {
  if (key === undefined || key === null) return
  if (typeof key === 'string') {
    // The text stays out of the message, because it is a key.
    if (/^(?:0x)?[0-9a-f]{64}$/i.test(key) || /^[sr]k_/.test(key))
      throw invalid(`${at} of ${file} must not hold the key itself: name a file that holds it`)
    return
  }
  if (!isObject(key))
    throw invalid(`${at} of ${file} must be a path, or one of { file }, { fd }, { credential }`)
  check(key, Object.keys(KEY), file, at)
}

function mappingAt(
  value: Readonly<Record<string, unknown>>,
  name: string,
  file: string,
  at: string,
  known: readonly string[],
): readonly (readonly [string, unknown])[] {
  const inner = value[name]
  if (inner === undefined || inner === null) return []
  if (!isObject(inner)) throw invalid(`${name} of ${file} must be a mapping`)
  check(inner, known, file, at === '' ? name : `${at}.${name}`)
  return Object.entries(inner)
}

function check(
  value: Readonly<Record<string, unknown>>,
  known: readonly string[],
  file: string,
  at: string,
): void {
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const where = at === '' ? file : `${at} of ${file}`
  throw invalid(`${where} has no setting ${clean(unknown, 60)}${suggestion(unknown, known)}`)
}
