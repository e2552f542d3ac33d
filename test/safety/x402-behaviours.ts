import { ODD_AMOUNTS } from './behaviours.js'
import { type Behaviour, CENT, type Offer, PAYEE, THIEF, TOKEN, type Visit } from './offers.js'
import {
  askX402,
  askX402InBody,
  DOMAIN,
  type Entry,
  EURC,
  EVM_CHAIN_ID,
  entry,
  entryV1,
  PERMIT2,
  requiredFor,
  serveX402,
  settled,
  USDC,
  upto,
} from './x402-offers.js'

const FIFTY_DOLLARS = '50000000'
const FIVE_CENTS = '50000'

/** Asks for this, and is content with any payment. */
const asking =
  (...accepts: readonly Entry[]): Behaviour =>
  (visit) =>
    visit.seen.credential ? serveX402(visit) : askX402(visit, accepts.map(entry))

/** Asks for a cent, or this, and does that with a payment. */
const onceItHasTheMoney =
  (then: Behaviour, more: Entry = {}): Behaviour =>
  (visit) =>
    visit.seen.credential ? then(visit) : askX402(visit, [entry(more)])

/** Asks whoever paid for this. */
const thenAsks = (more: Entry): Behaviour => onceItHasTheMoney((visit) => askX402(visit, [entry(more)]))

/** MPP on the same chain, as signed transfers. */
const MPP_EVM: Offer = {
  method: 'evm',
  currency: USDC,
  extra: { methodDetails: { chainId: EVM_CHAIN_ID, credentialTypes: ['authorization'], decimals: 6 } },
}

const claims = (response: Visit['response'], changes: Entry): void => {
  response.setHeader('payment-response', settled(changes))
}

const failed: Behaviour = (visit) => {
  claims(visit.response, { success: false, errorReason: 'insufficient_funds', transaction: '' })
  askX402(visit)
}

/** Binds a payment to its route, as reference servers do. */
const ROUTE: Entry = { extensions: { mppx: { info: { method: 'GET', scope: 'tea' }, schema: {} } } }

const SIGN_IN_ELSEWHERE: Entry = {
  extensions: {
    'sign-in-with-x': {
      info: {
        domain: 'bank.example',
        uri: 'https://bank.example/',
        version: '1',
        nonce: 'abcdefgh12',
        issuedAt: new Date().toISOString(),
      },
      supportedChains: [{ chainId: `eip155:${EVM_CHAIN_ID}`, type: 'eip191' }],
    },
  },
}

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')

/** An offer that lacks what it cannot do without: `maxTimeoutSeconds`. */
function broken(more: Entry): string {
  const { maxTimeoutSeconds: _, ...rest } = entry(more)
  return base64({ x402Version: 2, accepts: [rest] })
}

/** An offer on a network that nobody here pays on. */
const decoyTo = (payTo: string): string =>
  base64({ x402Version: 2, accepts: [entry({ network: 'eip155:1', payTo })] })

/** Asks by this header, and in version 1 by its body. */
function askBeside({ response }: Visit, header: string, more: Entry): void {
  response.writeHead(402, { 'payment-required': header, 'content-type': 'application/json' })
  response.end(JSON.stringify({ x402Version: 1, accepts: [entryV1(more)] }))
}

const bodyBeside =
  (header: string, more: Entry): Behaviour =>
  (visit) =>
    visit.seen.credential ? serveX402(visit) : askBeside(visit, header, more)

/** What it advertises, and what it asks then. */
const advertised: Behaviour = (visit) => {
  if (visit.seen.credential) return visit.serve()
  if (visit.seen.url !== '/openapi.json') return visit.ask({ amount: String(CENT * 5n) })
  const info = { method: 'tempo', intent: 'charge', amount: String(CENT), currency: TOKEN }
  const paths = { '/a': { get: { 'x-payment-info': info, responses: { 402: {} } } } }
  visit.response.writeHead(200, { 'content-type': 'application/json' })
  visit.response.end(JSON.stringify({ openapi: '3.1.0', info: { title: 'Tea', version: '1' }, paths }))
}

/** Servers that ask by x402, or for signed transfers in other words. */
export const X402_BEHAVIOURS = {
  'x402-honest': asking({}),
  'x402-v1-honest': (visit) => (visit.seen.credential ? serveX402(visit) : askX402InBody(visit)),
  'x402-permit2-honest': asking(PERMIT2),
  'x402-upto-honest': onceItHasTheMoney((visit) => serveX402(visit, { amount: '10000' }), upto('10000')),
  'mpp-evm-honest': (visit) => (visit.seen.credential ? visit.serve() : visit.ask(MPP_EVM)),
  /** A new offer after every payment. No two of them are the same. */
  'x402-storm': (visit) => askX402(visit, [entry({ maxTimeoutSeconds: 60 + visit.paid })]),
  'x402-v1-storm': (visit) => askX402InBody(visit),
  'x402-permit2-storm': (visit) => askX402(visit, [entry(PERMIT2)]),
  'x402-upto-storm': (visit) => askX402(visit, [entry(upto('10000'))]),
  'x402-route-storm': (visit) => askX402(visit, [entry()], ROUTE),
  'mpp-evm-storm': (visit) => visit.ask(MPP_EVM),
  'x402-escalate': thenAsks({ amount: FIVE_CENTS }),
  'x402-divert': thenAsks({ payTo: THIEF }),
  'x402-other-asset': thenAsks({ asset: EURC, extra: { name: 'EURC', version: '2' } }),
  'x402-other-transfer': thenAsks(PERMIT2),
  'x402-to-ceiling': thenAsks(upto('10000')),
  'x402-other-version': onceItHasTheMoney((visit) => askX402InBody(visit)),
  /** The same price on another rail, once it was paid on the first. */
  'x402-to-mpp': onceItHasTheMoney((visit) => visit.ask(MPP_EVM)),
  'x402-to-tempo': onceItHasTheMoney((visit) => visit.ask({})),
  'tempo-to-x402': (visit) => (visit.seen.credential ? askX402(visit) : visit.ask({ feePayer: true })),
  'x402-hang-up': onceItHasTheMoney(({ request }) => void request.socket.destroy()),
  'x402-no-answer': onceItHasTheMoney(() => undefined),
  'x402-server-error': onceItHasTheMoney(({ response }) => void response.writeHead(500).end()),
  'x402-failed': onceItHasTheMoney(failed),
  'x402-pending': onceItHasTheMoney((visit) => {
    claims(visit.response, { success: false, errorReason: 'settlement_pending' })
    askX402(visit)
  }),
  'x402-served-as-failed': onceItHasTheMoney((visit) =>
    serveX402(visit, { success: false, errorReason: 'insufficient_funds' }),
  ),
  'x402-receipt-of-another': onceItHasTheMoney((visit) =>
    serveX402(visit, { network: 'eip155:1', payer: THIEF, amount: '0' }),
  ),
  'x402-receipt-of-nonsense': onceItHasTheMoney((visit) => {
    visit.response.setHeader('payment-response', '%%%.not.a.receipt')
    serveX402(visit, null)
  }),
  'x402-no-receipt': onceItHasTheMoney((visit) => serveX402(visit, null)),
  'x402-ceiling-of-nothing': onceItHasTheMoney(
    (visit) => serveX402(visit, { amount: '0' }),
    upto(FIVE_CENTS),
  ),
  /** Whatever it was worth, it comes to the ceiling. */
  'x402-ceiling-in-full': onceItHasTheMoney(
    (visit) => serveX402(visit, { amount: FIVE_CENTS }),
    upto(FIVE_CENTS),
  ),
  'x402-high-ceiling': asking(upto(FIFTY_DOLLARS)),
  /** The facilitator is whoever it likes; who is paid is in the permit. */
  'x402-thief-settles': asking(upto('10000', THIEF)),
  'x402-lives-a-year': asking({ maxTimeoutSeconds: 31_536_000 }),
  'x402-permit-lives-a-year': asking({ ...PERMIT2, maxTimeoutSeconds: 31_536_000 }),
  'mpp-evm-lives-a-year': (visit) => {
    if (visit.seen.credential) return visit.serve()
    visit.ask({ ...MPP_EVM, expires: new Date(Date.now() + 365 * 86_400_000).toISOString() })
  },
  /** Other money. */
  'x402-euro': asking({ asset: EURC, extra: { name: 'EURC', version: '2' } }),
  'x402-euro-as-dollar': asking({ asset: EURC }),
  'x402-lookalike': asking({ asset: '0x036cbd53842c5426634e7929541ec2318f3dcf70' }),
  'x402-other-chain': asking({
    network: 'eip155:8453',
    asset: '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
    extra: { name: 'USD Coin', version: '2' },
  }),
  'x402-thief-asks': asking({ payTo: THIEF }),
  'x402-other-payee-later': (visit) =>
    visit.seen.credential
      ? serveX402(visit)
      : askX402(visit, [entry(visit.unpaid > 1 ? { payTo: THIEF } : {})]),
  /** Words that are read in two ways. */
  'x402-odd-amounts': (visit) =>
    visit.seen.credential
      ? serveX402(visit)
      : askX402(visit, [entry({ amount: ODD_AMOUNTS[Number(visit.seen.url.slice(1))] })]),
  'x402-own-decimals': asking({ amount: FIFTY_DOLLARS, extra: { ...DOMAIN, decimals: 18 }, decimals: 18 }),
  'mpp-evm-own-decimals': (visit) => {
    const methodDetails = { chainId: EVM_CHAIN_ID, credentialTypes: ['authorization'], decimals: 18 }
    if (visit.seen.credential) return visit.serve()
    visit.ask({ ...MPP_EVM, amount: FIFTY_DOLLARS, extra: { methodDetails } })
  },
  'x402-two-prices': asking({ maxAmountRequired: FIFTY_DOLLARS }),
  'x402-v1-two-prices': (visit) =>
    visit.seen.credential
      ? serveX402(visit)
      : askX402InBody(visit, [{ ...entryV1({ amount: FIFTY_DOLLARS }), amount: '1' }]),
  /** The header says one thing, the body another. */
  'x402-header-and-body': (visit) => {
    if (visit.seen.credential) return serveX402(visit)
    const headers = { 'payment-required': requiredFor(visit, [entry()]), 'content-type': 'application/json' }
    visit.response.writeHead(402, headers)
    visit.response.end(JSON.stringify({ x402Version: 1, accepts: [entryV1({ payTo: THIEF, amount: '1' })] }))
  },
  /** The header cannot be read, or cannot be paid; the body asks in version 1. */
  'x402-broken-header': bodyBeside('%%%.not.an.offer', {}),
  'x402-empty-header': bodyBeside('', {}),
  'x402-broken-header-fifty': bodyBeside(broken({ amount: '1' }), { maxAmountRequired: FIFTY_DOLLARS }),
  'x402-broken-header-thief': bodyBeside(broken({}), { payTo: THIEF }),
  'x402-unpayable-header-thief': bodyBeside(decoyTo(PAYEE), { payTo: THIEF }),
  'x402-broken-header-storm': (visit) => askBeside(visit, broken({}), {}),
  'x402-header-then-body': (visit) =>
    visit.seen.credential ? askBeside(visit, '%%%', { maxAmountRequired: FIVE_CENTS }) : askX402(visit),
  'x402-decoy': asking(
    { network: 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1', asset: 'decoy', amount: '1' },
    { amount: FIFTY_DOLLARS },
  ),
  'x402-either-order': (visit) => {
    if (visit.seen.credential) return serveX402(visit)
    const [cheap, dear] = [entry(), entry({ amount: FIVE_CENTS })]
    askX402(visit, visit.seen.url === '/dear-first' ? [dear, cheap] : [cheap, dear])
  },
  /** By what a token signs is no word of the server's. */
  'x402-other-name': asking({ extra: { name: 'USD Coin', version: '2' } }),
  'x402-other-domain': asking({
    extra: { ...DOMAIN, chainId: 1, verifyingContract: EURC, domain: { name: 'EURC', chainId: 1 } },
  }),
  'x402-own-spender': asking({
    extra: { ...DOMAIN, assetTransferMethod: 'permit2', spender: THIEF, permit2Spender: THIEF },
  }),
  'x402-sign-in-elsewhere': (visit) =>
    visit.seen.credential ? serveX402(visit) : askX402(visit, [entry()], SIGN_IN_ELSEWHERE),
  /** Elsewhere. */
  'x402-spoof': (visit) =>
    visit.seen.credential
      ? serveX402(visit)
      : askX402(visit, [entry({ resource: 'https://trusted.example/' })], {
          resource: { url: 'https://trusted.example/', description: 'https://trusted.example' },
        }),
  'x402-redirect-to-402': (visit) => {
    if (visit.seen.credential) return serveX402(visit)
    if (visit.seen.url.startsWith('/there')) return askX402(visit)
    visit.response.writeHead(302, { location: `${visit.elsewhere}/there` }).end()
  },
  'x402-redirect-credential': onceItHasTheMoney(({ response, elsewhere }) => {
    response.writeHead(307, { location: `${elsewhere}/take` }).end()
  }),
  'x402-v1-redirect-credential': (visit) => {
    if (!visit.seen.credential) return askX402InBody(visit)
    visit.response.writeHead(307, { location: `${visit.elsewhere}/take` }).end()
  },
  'x402-redirect-credential-here': (visit) => {
    if (visit.seen.url === '/there') return void visit.response.end('tea')
    if (!visit.seen.credential) return askX402(visit)
    visit.response.writeHead(307, { location: '/there' }).end()
  },
  /** The same words for every page, and an id that is always the same. */
  'mpp-evm-one-id': (visit) => (visit.seen.credential ? visit.serve() : visit.ask({ ...MPP_EVM, id: 'one' })),
  'x402-dear-later': (visit) =>
    visit.seen.credential
      ? serveX402(visit)
      : askX402(visit, [entry({ amount: visit.unpaid > 4 ? '90000' : '1000' })]),
  advertised,
} satisfies Readonly<Record<string, Behaviour>>

export type X402BehaviourName = keyof typeof X402_BEHAVIOURS
