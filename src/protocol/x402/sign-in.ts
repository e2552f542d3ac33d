import { isObject } from '../../util/objects.js'
import { encodeBase64 } from '../base64url.js'
import type { Json, JsonObject, SignInEcho } from '../types.js'
import { listAt, objectAt, refuse, textAt } from './fields.js'

/** Purser's scheme name for the extension `sign-in-with-x`, so that wallets handle it like any other offer. */
export const SIGN_IN = 'sign-in'
const EXTENSION = 'sign-in-with-x'
const MAX_CHAINS = 64

const utf8 = new TextEncoder()

/** Reads the sign-in that a server offers; undefined if it offers none. */
export function signInOf(
  extensions: JsonObject,
): { readonly info: JsonObject; readonly supportedChains: readonly Json[] } | undefined {
  const extension = objectAt(extensions, EXTENSION)
  if (extension === undefined) return undefined
  const info = objectAt(extension, 'info') ?? refuse('bad_sign_in', 'It has no info to sign')
  for (const name of ['domain', 'uri', 'version', 'nonce', 'issuedAt'])
    if (textAt(info, name) === undefined) refuse('bad_sign_in', `No ${name}`)
  const supportedChains = (listAt(extension, 'supportedChains') ?? []).slice(0, MAX_CHAINS).filter(isChain)
  if (supportedChains.length === 0) refuse('bad_sign_in', 'It has no chain to sign for')
  return { info: withoutNulls(info), supportedChains: Object.freeze(supportedChains) }
}

/**
 * Encodes a sign-in as its request header: the fields that the server wants signed, plus those of the wallet
 * (`address`, `chainId`, `type`, `signature`). A bearer secret.
 */
export function encodeSignIn(
  payload: JsonObject,
  { info }: SignInEcho,
): { readonly header: 'sign-in-with-x'; readonly value: string } {
  return { header: EXTENSION, value: encodeBase64(utf8.encode(JSON.stringify({ ...info, ...payload }))) }
}

function isChain(chain: Json): boolean {
  return isObject(chain) && textAt(chain, 'chainId') !== undefined && textAt(chain, 'type') !== undefined
}

/** Removes nulls: servers write null for absent fields, and refuse null in the reply. */
function withoutNulls(info: JsonObject): JsonObject {
  return Object.freeze(Object.fromEntries(Object.entries(info).filter(([, value]) => value !== null)))
}
