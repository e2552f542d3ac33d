import type { IncomingHttpHeaders } from 'node:http'
import { type Credential, PAYEE, type Visit } from './offers.js'

/** A chain of Ethereum's kind that every client knows the dollar of. No test here talks to it. */
export const EVM_CHAIN_ID = 84532
export const NETWORK = `eip155:${EVM_CHAIN_ID}`
export const USDC = '0x036cbd53842c5426634e7929541ec2318f3dcf7e'
/** By what it signs (EIP-712). */
export const DOMAIN = { name: 'USDC', version: '2' } as const
/** A euro on the same chain, of the same maker. */
export const EURC = '0x808456652fdb597867f38412077a9182bf77359f'
/** A cent, in the dollar's six decimals. */
const CENT = '10000'

/** One entry of `accepts`, in version 2. Everything may be wrong. */
export type Entry = Readonly<Record<string, unknown>>

export const entry = (more: Entry = {}): Entry => ({
  scheme: 'exact',
  network: NETWORK,
  amount: CENT,
  asset: USDC,
  payTo: PAYEE,
  maxTimeoutSeconds: 60,
  extra: { ...DOMAIN },
  ...more,
})

/** The same in version 1. */
export const entryV1 = (more: Entry = {}): Entry => {
  const { amount, ...rest } = entry(more)
  const words = {
    resource: 'http://127.0.0.1/a',
    description: 'tea',
    mimeType: 'text/plain',
    outputSchema: null,
  }
  return { ...rest, network: 'base-sepolia', maxAmountRequired: amount, ...words, ...more }
}

/** Moved by Permit2. */
export const PERMIT2: Entry = { extra: { ...DOMAIN, assetTransferMethod: 'permit2' } }

/** A ceiling: what it comes to is known only afterwards. */
export const upto = (amount: string, facilitatorAddress = PAYEE): Entry => ({
  scheme: 'upto',
  amount,
  extra: { ...DOMAIN, facilitatorAddress },
})

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')

/** What a header of version 2 says. */
export function requiredFor({ seen }: Visit, accepts: readonly Entry[], more: Entry = {}): string {
  const resource = { url: `http://${seen.host}${seen.url}`, description: 'tea', mimeType: 'text/plain' }
  return encode({ x402Version: 2, error: 'Payment required', resource, accepts, ...more })
}

/** Asks in version 2, by a header. */
export function askX402(visit: Visit, accepts: readonly Entry[] = [entry()], more: Entry = {}): void {
  visit.response.writeHead(402, { 'payment-required': requiredFor(visit, accepts, more) }).end('{}')
}

/** Asks in version 1, by a body. */
export function askX402InBody({ response }: Visit, accepts: readonly Entry[] = [entryV1()]): void {
  response.writeHead(402, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ x402Version: 1, error: 'X-PAYMENT header is required', accepts }))
}

/** What an honest server would say, with these changes. */
export function settled(changes: Entry = {}): string {
  const said = { success: true, transaction: `0x${'cd'.repeat(32)}`, network: NETWORK, payer: PAYEE }
  return encode({ ...said, ...changes })
}

/** Serves, and says this of the settlement; nothing for `null`. */
export function serveX402({ response }: Visit, changes: Entry | null = {}): void {
  if (changes !== null) response.setHeader('payment-response', settled(changes))
  response.end('tea')
}

/** A payment of x402, as a request carries it. */
export function x402CredentialIn(headers: IncomingHttpHeaders): readonly Credential[] {
  return ['payment-signature', 'x-payment'].flatMap((header) => {
    const raw = headers[header]
    if (typeof raw !== 'string') return []
    const { accepted, network, scheme, payload } = JSON.parse(Buffer.from(raw, 'base64').toString())
    // Version 1 repeats no more of the offer than this.
    return [{ header, raw, challenge: accepted ?? { network, scheme, asset: USDC }, payload }]
  })
}
