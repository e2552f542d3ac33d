import type { JsonObject, X402Challenge } from '../../../src/protocol/index.js'
import { type ParsedPaymentRequired, parsePaymentRequired } from '../../../src/protocol/index.js'

export const HOST = 'api.example'

export const ENTRY = {
  scheme: 'exact',
  network: 'eip155:84532',
  amount: '10000',
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  maxTimeoutSeconds: 60,
  extra: { name: 'USDC', version: '2' },
}

export const ENTRY_V1 = {
  scheme: 'exact',
  network: 'base-sepolia',
  maxAmountRequired: '10000',
  resource: 'https://api.example/tea',
  description: 'A cup of tea',
  mimeType: 'application/json',
  payTo: ENTRY.payTo,
  maxTimeoutSeconds: 60,
  asset: ENTRY.asset,
  outputSchema: null,
  extra: { name: 'USDC', version: '2' },
}

export const RESOURCE = {
  url: 'https://api.example/tea',
  description: 'A cup of tea',
  mimeType: 'text/plain',
}

export const INFO = {
  domain: HOST,
  uri: 'https://api.example/tea',
  version: '1',
  nonce: 'a1b2c3d4e5f60718',
  issuedAt: '2026-11-21T12:00:00.000Z',
  statement: 'Sign in to drink on',
}
export const SIGN_IN = {
  info: INFO,
  supportedChains: [
    { chainId: 'eip155:84532', type: 'eip191' },
    { chainId: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', type: 'ed25519' },
  ],
}

/** A message of version 2, with these changes; `undefined` leaves one out. */
export function required(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { x402Version: 2, error: 'Payment required', resource: RESOURCE, accepts: [ENTRY], ...changes }
}

/** As a header carries it: a text is written as it is. */
export function base64(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64')
}

export function read(changes: Readonly<Record<string, unknown>> = {}): ParsedPaymentRequired {
  return parsePaymentRequired(base64(required(changes)), HOST)
}

/** The only offer of a message with this entry. */
export function offer(
  entry: unknown = ENTRY,
  changes: Readonly<Record<string, unknown>> = {},
): X402Challenge {
  const { challenges, rejected } = read({ ...changes, accepts: [entry] })
  const [challenge] = challenges
  if (challenge?.echo.envelope !== 'x402') throw new Error(`No offer: ${rejected.map(String).join('; ')}`)
  return { ...challenge, echo: challenge.echo }
}

/** What a header of ours says. */
export function decoded(value: string): JsonObject {
  const message: JsonObject = JSON.parse(Buffer.from(value, 'base64').toString('utf8'))
  return message
}
