import type { ServerResponse } from 'node:http'
import { ENTRY, ENTRY_V1, RESOURCE } from '../protocol/x402/documents.js'
import type { Answer } from './kit.js'

export const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')
export const unbase64 = (value: unknown): unknown =>
  JSON.parse(Buffer.from(String(value), 'base64').toString('utf8'))

export const SETTLED = { success: true, transaction: '0xabc', network: ENTRY.network, payer: '0x742d' }

/** The header of version 2, with these changes. */
export function required(changes: object = {}): string {
  return base64({ x402Version: 2, resource: RESOURCE, accepts: [ENTRY], ...changes })
}

/** The body of version 1, with these changes. */
export function requiredBody(changes: object = {}): string {
  return JSON.stringify({
    x402Version: 1,
    error: 'X-PAYMENT header is required',
    accepts: [ENTRY_V1],
    ...changes,
  })
}

export function ask(response: ServerResponse, headers: Record<string, string | string[]> = {}): void {
  response
    .writeHead(402, { 'payment-required': required(), 'content-type': 'application/json', ...headers })
    .end('{}')
}

export function askInBody(
  response: ServerResponse,
  headers: Record<string, string> = {},
  body = requiredBody(),
): void {
  response.writeHead(402, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(body)
}

/** Asks in these ways until a credential comes along, and then as `answer` does. */
export function x402(answer: Answer, asking: (response: ServerResponse) => void = ask): Answer {
  return (response, seen, request) => (seen.paid ? answer(response, seen, request) : asking(response))
}
