import { copyJsonObject, decodeJsonObject, readLeniently } from './json.js'
import { toProblem } from './problem.js'
import { ProtocolError } from './protocol-error.js'
import { receiptOf } from './receipt.js'
import type { Credential, Echo, JsonObject, MppEcho, Problem, Receipt } from './types.js'
import { paymentPayloadObject } from './x402/payload.js'
import { x402ReceiptOf } from './x402/payment-response.js'

/** The names under which payments travel in the `_meta` of MCP and JSON-RPC messages. */
export const META = Object.freeze({
  /** A demand for payment in a result (an addition of the reference SDK). */
  paymentRequired: 'org.paymentauth/payment-required',
  credential: 'org.paymentauth/credential',
  receipt: 'org.paymentauth/receipt',
  x402Payment: 'x402/payment',
  x402Response: 'x402/payment-response',
})

/** A credential as one member of `_meta`. Its value is a bearer secret. */
export interface CredentialMeta {
  readonly name: typeof META.credential | typeof META.x402Payment
  readonly value: object
}

/**
 * Encodes a credential as a member of `_meta` (draft-payment-transport-mcp, section 6; x402, transports/mcp). The request
 * of the challenge goes back as the object that it was.
 *
 * @throws ProtocolError `bad_sign_in` for a sign-in: it has no place in these messages.
 */
export function credentialMeta(credential: Credential): CredentialMeta {
  const { challenge, payload, source } = credential
  const { echo } = challenge
  if (echo.envelope === 'x402')
    return { name: META.x402Payment, value: paymentPayloadObject(credential, echo) }
  if (echo.envelope === 'sign-in') throw new ProtocolError('bad_sign_in', 'A sign-in needs HTTP')
  const value = { challenge: challengeObject(echo), payload, ...(source !== undefined && { source }) }
  return { name: META.credential, value }
}

function challengeObject({ params }: MppEcho): object {
  const { request = '', ...rest } = params
  return { ...rest, request: decodeJsonObject(request) }
}

/**
 * Reads the receipt in a `_meta`. If a server wrote one in each protocol, the protocol that was paid in decides.
 *
 * @returns Undefined if there is no readable receipt.
 */
export function receiptInMeta(meta: unknown, answers: Echo['envelope'] | undefined): Receipt | undefined {
  const mpp = objectIn(meta, META.receipt)
  const x402 = objectIn(meta, META.x402Response)
  const first = answers === 'x402' ? (x402 ?? mpp) : (mpp ?? x402)
  if (first === undefined) return undefined
  return first === x402 ? x402ReceiptOf(first) : receiptOf(first)
}

/** Reads a problem that came as an object. Undefined if it is none. */
export function problemIn(value: unknown, name: string): Problem | undefined {
  const problem = objectIn(value, name)
  return problem === undefined ? undefined : toProblem(problem)
}

/** Copies a member that is a JSON object. Undefined for any other value, and for an object that is too large or too deep. */
export function objectIn(parent: unknown, name: string): JsonObject | undefined {
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, name)) return undefined
  return readLeniently(() => copyJsonObject(Reflect.get(parent, name)))
}
