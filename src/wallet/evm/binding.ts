import canonicalize from 'canonicalize'
import { bytesToHex, keccak256, sha256, stringToBytes } from 'viem/utils'
import type { JsonObject, X402Echo } from '../../protocol/index.js'
import { encodeBase64url } from '../../protocol/index.js'
import { type Hex, isObject } from '../chain/index.js'
import type { Spendable } from '../index.js'

type Of = Pick<Spendable, 'payment' | 'ledger'>

/**
 * The nonce of every authorization of one payment on one token: a retry takes the place of the credential before it,
 * and the token lets only one of them through. Nobody can use a nonce without our signature, and without the ledger's
 * random id nobody can tell which payments belong together.
 */
export function nonceOf(of: Of, chainId: number, spender: Hex): Hex {
  return derived('nonce', of, chainId, spender)
}

function derived(what: string, { payment, ledger }: Of, ...more: readonly (string | number)[]): Hex {
  return keccak256(stringToBytes(JSON.stringify(['purser', what, ledger, payment, ...more])))
}

/** What goes back in place of the extensions that the server offered; undefined where they go back as they came. */
export function extensionsOf({ extensions }: X402Echo, of: Of, routeBound: boolean): JsonObject | undefined {
  if (extensions === undefined) return undefined
  const added: Record<string, JsonObject> = {}
  const identifier = withInfo(extensions, PAYMENT_IDENTIFIER, {
    // The same on every retry of the payment: the server can tell a retry from a second purchase.
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

/** How reference servers bind a payment to its route: over what goes back to them, part by part. */
export function routeNonce({ accepted, resource }: X402Echo, extensions: JsonObject): Hex | undefined {
  const parts = [accepted, resource, extensions].map((part) => part && canonicalize(part))
  if (parts.includes(undefined)) return undefined
  const text = parts.map((part) => encodeBase64url(stringToBytes(part ?? ''))).join('|')
  return bytesToHex(sha256(stringToBytes(text), 'bytes'))
}
