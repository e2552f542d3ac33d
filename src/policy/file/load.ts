import { builtin } from '../../util/builtin.js'
import type { Policy } from '../types.js'
import { parsePolicyText, unreadable } from './text.js'

/**
 * Loads a policy from a file, in YAML or JSON.
 *
 * @param path - The path of the file.
 * @throws PaymentError `invalid_policy` if the file is missing, empty, not UTF-8, not YAML or JSON, or not a policy.
 * @throws TypeError if the path is not a string.
 * @see docs/policy.md
 * @example
 * ```ts
 * const purser = createPurser({ wallets, policy: await loadPolicy('policy.yaml') })
 * ```
 */
export async function loadPolicy(path: string): Promise<Policy> {
  if (typeof path !== 'string' || path === '')
    throw new TypeError('loadPolicy() needs the path of a file, as text')
  return parsePolicyText(decode(await read(path), path), path)
}

async function read(path: string): Promise<Uint8Array> {
  // Not imported: browsers load this module too, and their bundlers do not know `node:` names.
  const files = builtin('node:fs/promises')
  if (!isFiles(files)) throw unreadable(path, 'cannot be read: this runtime has no files')
  try {
    return await files.readFile(path)
  } catch (cause) {
    throw unreadable(path, `cannot be read: ${why(cause)}`, cause)
  }
}

interface Files {
  readFile(path: string): Promise<Uint8Array>
}

function isFiles(value: unknown): value is Files {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'readFile') === 'function'
}

function why(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EISDIR') return 'it is a folder'
  return code === 'EACCES' || code === 'EPERM' ? 'this process may not read it' : 'reading it failed'
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw unreadable(path, 'is not UTF-8 text', cause)
  }
}
