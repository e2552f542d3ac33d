import {
  type Behaviour,
  CHAIN_ID,
  challengeOf,
  ESCROW,
  type Offer,
  receiptFor,
  type Visit,
} from './offers.js'

type Protocol = 'v1' | 'v2'

/** A voucher on a channel for each call. */
const session = (sessionProtocol: Protocol): Offer => ({
  intent: 'session',
  extra: {
    methodDetails: {
      chainId: CHAIN_ID,
      sessionProtocol,
      ...(sessionProtocol === 'v1' ? { escrowContract: ESCROW } : {}),
    },
  },
})

/** Says what an honest server would say of this voucher. */
function serve(visit: Visit): void {
  const { channelId, cumulativeAmount: total } = visit.seen.credential?.payload ?? {}
  const said = { channelId, reference: channelId, acceptedCumulative: total, spent: total }
  const challengeId = visit.seen.credential?.challenge['id']
  visit.serve({ ...receiptFor(visit), intent: 'session', challengeId, ...said, units: 1 })
}

/** Says that it does not know the channel. */
const deny =
  (status = 410, problem = 'session/channel-not-found'): Behaviour =>
  ({ response }) => {
    const type = `https://paymentauth.org/problems/${problem}`
    response.writeHead(status, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify({ type, title: 'Channel Not Found', status }))
  }

/** Asks for a voucher, serves who opens a channel, and does this with every further voucher. */
const afterOpening =
  (protocol: Protocol, then: Behaviour): Behaviour =>
  (visit) => {
    const { credential } = visit.seen
    if (credential === undefined) return visit.ask(session(protocol))
    // A charge, where that is asked for.
    if (credential.payload['action'] === undefined) return visit.serve()
    return credential.payload['action'] === 'open' ? serve(visit) : then(visit)
  }

/** A stream that asks for one voucher more after the opening, and denies the channel when that comes. */
function stream(protocol: Protocol): Behaviour {
  let end = (): void => undefined
  return (visit) => {
    const { credential, response } = { ...visit.seen, ...visit }
    if (credential === undefined) return visit.ask(session(protocol))
    if (credential.payload['action'] !== 'open') {
      deny()(visit)
      setTimeout(end, 50)
      return
    }
    const { channelId, cumulativeAmount: accepted } = credential.payload
    const needs = String(2n * BigInt(String(accepted)))
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('event: message\ndata: one\n\n')
    const need = { channelId, requiredCumulative: needs, acceptedCumulative: accepted, deposit: '50000' }
    response.write(`event: payment-need-voucher\ndata: ${JSON.stringify(need)}\n\n`)
    end = () => void response.end('data: two\n\n')
  }
}

const servers = (protocol: Protocol) => ({
  honest: afterOpening(protocol, serve),
  forgets: afterOpening(protocol, deny()),
  finalized: afterOpening(protocol, deny(410, 'session/channel-finalized')),
  'forgets-without-a-word': afterOpening(protocol, ({ response }) => void response.writeHead(410).end()),
  /** The denial, and a fresh offer beside it. */
  'forgets-and-asks': afterOpening(protocol, ({ response }) => {
    const type = 'https://paymentauth.org/problems/session/channel-not-found'
    response.writeHead(402, {
      'www-authenticate': challengeOf(session(protocol), `fresh-${Date.now()}`),
      'content-type': 'application/problem+json',
    })
    response.end(JSON.stringify({ type, title: 'Channel Not Found', status: 402 }))
  }),
  /** A charge in the place of the voucher, once it has that. */
  'to-charge': afterOpening(protocol, (visit) => visit.ask({ feePayer: true })),
  'denies-all': ((visit) =>
    visit.seen.credential ? deny()(visit) : visit.ask(session(protocol))) satisfies Behaviour,
  stream: stream(protocol),
  /** It says that it has taken next to nothing, and denies the channel then. */
  'small-receipts': afterOpening(protocol, (visit) =>
    visit.paid % 3 === 0
      ? deny()(visit)
      : visit.serve({ ...receiptFor(visit), acceptedCumulative: '0', spent: '0' }),
  ),
})

const named = <P extends Protocol>(protocol: P) =>
  Object.fromEntries(
    Object.entries(servers(protocol)).map(([name, server]) => [`session-${protocol}-${name}`, server]),
  ) as Record<`session-${P}-${keyof ReturnType<typeof servers>}`, Behaviour>

/** Servers that are paid by vouchers on a channel, in both versions of the protocol. */
export const SESSION_BEHAVIOURS = { ...named('v2'), ...named('v1') } satisfies Readonly<
  Record<string, Behaviour>
>

export type SessionBehaviourName = keyof typeof SESSION_BEHAVIOURS
