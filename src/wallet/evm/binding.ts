import canonicalize from 'canonicalize'
import { bytesToHex, keccak256, sha256, stringToBytes } from 'viem/utils'
import type { JsonObject, X402Echo } from '../../protocol/index.js'
import { encodeBase64url } from '../../protocol/index.js'
import { isObject } from '../../util/objects.js'
import type { Hex } from '../chain/index.js'
import type { Spendable } from '../index.js'

type Of = Pick<Spendable, 'payment' | 'ledger'>

/**
 * Derives the nonce of all authorizations of one payment on one token. A retry therefore replaces the earlier
 * credential: the token accepts only one of them. The nonce cannot be used without the payer's signature, and without
 * the ledger's random id nobody can link payments by it.
 */
export function nonceOf(of: Of, chainId: number, spender: Hex): Hex {
  return derived('nonce', of, chainId, spender)
}

function derived(what: string, { payment, ledger }: Of, ...more: readonly (string | number)[]): Hex {
  return keccak256(stringToBytes(JSON.stringify(['purser', what, ledger, payment, ...more])))
}

/** Returns the extensions that replace the server's; undefined if the server's are returned unchanged. */
export function extensionsOf({ extensions }: X402Echo, of: Of, routeBound = false): JsonObject | undefined {
  if (extensions === undefined) return undefined
  const added: Record<string, JsonObject> = {}
  const identifier = withInfo(extensions, PAYMENT_IDENTIFIER, {
    // The same on every retry of the payment, so that the server can tell a retry from a second purchase.
    id: `pay_${derived('payment-identifier', of).slice(2, 34)}`,
  })
  if (identifier !== undefined) added[PAYMENT_IDENTIFIER] = identifier
  const route = routeBound
    ? withInfo(extensions, 'mppx', { nonce: derived('route', of).slice(2) })
    : undefined
  if (route !== undefined) added['mppx'] = route
  return Object.keys(added).length === 0 ? undefined : { ...extensions, ...added }
}

const PAYMENT_IDENTIFIER = 'payment-identifier'

function withInfo(extensions: JsonObject, name: string, more: JsonObject): JsonObject | undefined {
  const extension = extensions[name]
  if (!isObject(extension) || !isObject(extension['info'])) return undefined
  return { ...extension, info: { ...extension['info'], ...more } }
}

/**
 * Derives the nonce by which reference servers bind a payment to its route: a hash over the returned data, part by
 * part.
 */
export function routeNonce({ accepted, resource }: X402Echo, extensions: JsonObject): Hex | undefined {
  const parts = [accepted, resource, extensions].map((part) => part && canonicalize(part))
  if (parts.includes(undefined)) return undefined
  const text = parts.map((part) => encodeBase64url(stringToBytes(part ?? ''))).join('|')
  return bytesToHex(sha256(stringToBytes(text), 'bytes'))
}
