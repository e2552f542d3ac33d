import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Ask, asksIn, type RailName } from './offers.js'

// One server that is paid by several rails. Each rail is somebody else's unmodified server; what is done here is to ask
// all of them in one 402, and to hand a credential to the one it is for.

/** What a rail answers to a request. */
export type Answered =
  | { readonly status: 402; readonly challenge: Response }
  | { readonly status: 200; readonly withReceipt: (response: Response) => Response | Promise<Response> }

/** A rail of the shop. */
export interface Rail {
  readonly name: RailName
  /** The header it asks in. The reference server of MPP asks in both for one offer, and two of x402's cannot stand side by side. */
  readonly header: 'www-authenticate' | 'payment-required'
  /** Is this credential for it? */
  takes(request: Request): boolean
  handle(request: Request, cents: number): Promise<Answered>
}

/** A request as the shop saw it. */
export interface Visit {
  readonly path: string
  /** The rail whose credential it carried. */
  readonly rail?: RailName
  readonly status: number
}

/** What goes wrong with the next credential. */
export type Fault =
  /** It is taken, and all rails ask anew instead of an answer. */
  | 'asks_again'
  /** It is taken, and the connection breaks before the answer. */
  | 'breaks'
  /** Nobody looks at it, and all rails ask anew. */
  | 'ignores'

export interface RailsShop {
  readonly origin: string
  readonly visits: readonly Visit[]
  /** What broke inside the shop itself. */
  readonly faults: readonly unknown[]
  fail(fault: Fault): void
  /** Which rail each delivery was paid by. */
  delivered(): readonly RailName[]
  close(): Promise<void>
}

export async function startShop(rails: readonly Rail[]): Promise<RailsShop> {
  const visits: Visit[] = []
  const faults: unknown[] = []
  const planned: Fault[] = []
  let origin = ''

  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const request = toRequest(incoming, origin)
    const { pathname: path } = new URL(request.url)
    const asks = asksIn(path)
    const paid = asks.find(({ rail }) => rails.some(({ name, takes }) => name === rail && takes(request)))
    if (paid === undefined) {
      await askAll(asks, request, outgoing)
      visits.push({ path, status: 402 })
      return
    }
    const fault = planned.shift()
    if (fault === 'ignores') return askAll(asks, bare(request), outgoing)
    const answered = await railOf(paid).handle(request, paid.cents)
    const response =
      answered.status === 402
        ? answered.challenge
        : await answered.withReceipt(Response.json({ path, rail: paid.rail }))
    if (fault === 'breaks') return void incoming.socket.destroy()
    if (fault === 'asks_again') return askAll(asks, bare(request), outgoing)
    outgoing.writeHead(response.status, [...response.headers].flat())
    outgoing.end(await response.text())
    visits.push({ path, rail: paid.rail, status: response.status })
  }

  const railOf = (ask: Ask): Rail => {
    const found = rails.find(({ name }) => name === ask.rail)
    if (found === undefined) throw new Error(`this shop has no ${ask.rail}`)
    return found
  }

  /** One 402, with every header of every rail in the order of the path. */
  const askAll = async (asks: readonly Ask[], request: Request, outgoing: ServerResponse): Promise<void> => {
    const headers: string[] = ['cache-control', 'no-store']
    for (const ask of asks) {
      const { name, header, handle } = railOf(ask)
      const answered = await handle(request, ask.cents)
      const value = answered.status === 402 ? answered.challenge.headers.get(header) : null
      if (value === null) throw new Error(`${name} did not ask`)
      headers.push(header, value)
    }
    outgoing.writeHead(402, headers)
    outgoing.end()
  }

  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch((error: unknown) => {
      faults.push(error)
      incoming.socket.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  return {
    origin,
    visits,
    faults,
    fail: (fault) => void planned.push(fault),
    delivered: () => visits.flatMap(({ rail, status }) => (status === 200 && rail ? [rail] : [])),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The same request without a credential. */
function bare({ url, method }: Request): Request {
  return new Request(url, { method })
}

function toRequest(incoming: IncomingMessage, origin: string): Request {
  incoming.resume()
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(incoming.headersDistinct))
    for (const value of values) headers.append(name, value)
  // The rails are not to choose among themselves: all of them ask.
  headers.delete('accept-payment')
  return new Request(new URL(incoming.url ?? '/', origin), { method: incoming.method ?? 'GET', headers })
}
