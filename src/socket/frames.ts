import { clean } from '../errors/index.js'
import {
  type Credential,
  encodeCredential,
  type JsonObject,
  type Problem,
  ProtocolError,
  parseJsonObject,
  parseProblem,
  type Receipt,
  receiptOf,
} from '../protocol/index.js'
import { isObject } from '../util/objects.js'

/** The content of a frame of text. */
export type Frame =
  /** Content for the caller: as it came, or unwrapped. */
  | { readonly kind: 'content'; readonly data: string }
  /** The server continues after a further payment. */
  | { readonly kind: 'need'; readonly claims: JsonObject }
  | { readonly kind: 'receipt'; readonly receipt: Receipt }
  /** The server has finished, by itself or on request. */
  | { readonly kind: 'ready'; readonly receipt: Receipt }
  | { readonly kind: 'error'; readonly status: number; readonly message?: string; readonly problem?: Problem }
  /** About a payment, but of no use to a client. */
  | { readonly kind: 'other' }
  /** About a payment, but not readable. */
  | { readonly kind: 'unreadable' }

/** The members of every kind of frame are within this depth. */
const DEPTH = 16

/**
 * Reads a frame: JSON with a member `mpp` that names its kind. Any other text is content for the caller.
 *
 * No specification says how sessions charge over WebSockets. This is the format of the reference server.
 */
export function readFrame(text: string): Frame {
  const json = /^\s*\{/.test(text) ? jsonOf(text) : undefined
  const name = json?.['mpp']
  if (json === undefined || typeof name !== 'string') return { kind: 'content', data: text }
  const { data } = json
  switch (name) {
    case 'message':
      return typeof data === 'string' ? { kind: 'content', data } : { kind: 'unreadable' }
    case 'payment-need-voucher':
      return isObject(data) ? { kind: 'need', claims: data } : { kind: 'unreadable' }
    case 'payment-receipt':
      return isObject(data) ? { kind: 'receipt', receipt: receiptOf(data) } : { kind: 'unreadable' }
    case 'payment-close-ready':
      return isObject(data) ? { kind: 'ready', receipt: receiptOf(data) } : { kind: 'unreadable' }
    case 'payment-error':
      return readError(json)
    default:
      return /^(authorization$|payment-)/.test(name) ? { kind: 'other' } : { kind: 'content', data: text }
  }
}

/** Reads every text as content: for a socket that was never asked to pay. */
export function plainFrame(text: string): Frame {
  return { kind: 'content', data: text }
}

export function authorizationFrame(credential: Credential): string {
  const { value } = encodeCredential(credential)
  return JSON.stringify({ mpp: 'authorization', authorization: value })
}

export const CLOSE_REQUEST = JSON.stringify({ mpp: 'payment-close-request' })

/** Reads an error. The server sends a problem as JSON, or a sentence. */
function readError({ status, message: sent }: JsonObject): Frame {
  const problem = typeof sent === 'string' ? parseProblem(sent) : undefined
  const message = problem?.detail ?? problem?.title ?? (typeof sent === 'string' ? clean(sent) : undefined)
  return {
    kind: 'error',
    status: typeof status === 'number' ? status : 500,
    ...(message === undefined ? {} : { message }),
    ...(problem === undefined ? {} : { problem }),
  }
}

function jsonOf(text: string): JsonObject | undefined {
  try {
    return parseJsonObject(text, { length: text.length, depth: DEPTH })
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
