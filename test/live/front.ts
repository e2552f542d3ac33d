import { type HttpBindings, serve } from '@hono/node-server'
import { Hono } from 'hono'

/** What stands between a client and the paid API, and may misbehave. */
export interface Front {
  readonly origin: string
  url(path: string): string
  /** The credentials that arrived, in order. */
  readonly credentials: readonly string[]
  /** Requests that carried none. */
  unpaid(): number
  close(): Promise<void>
}

/** One request, and what can be done with it. */
export interface Passing {
  readonly request: Request
  /** Its body, as text. */
  readonly text: string
  readonly paid: boolean
  /** How many credentials have arrived, with this one: 1 is the first. */
  readonly turn: number
  /** Asks the API, with everything the client sent; under another path where one is given. */
  forward(path?: string): Promise<Response>
  /** Asks the API as a client without a credential: a fresh challenge. */
  ask(): Promise<Response>
  /** Ends the connection without an answer. */
  drop(): Response
}

/** What a request pays with: by the `Payment` scheme, or by x402 of either version. */
function credentialIn(headers: Headers): string | undefined {
  const authorization = headers.get('authorization') ?? ''
  if (/^payment /i.test(authorization)) return authorization
  return headers.get('payment-signature') ?? headers.get('x-payment') ?? undefined
}

/** Starts a server of our own in front of the unmodified one. */
export async function startFront(
  target: string,
  handle: (passing: Passing) => Promise<Response> | Response,
): Promise<Front> {
  const credentials: string[] = []
  let unpaid = 0
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.all('*', async (c) => {
    const request = c.req.raw
    const credential = credentialIn(request.headers)
    const paid = credential !== undefined
    if (paid) credentials.push(credential)
    else unpaid++
    const url = new URL(request.url)
    const here = `${url.pathname}${url.search}`
    const body = request.body === null ? undefined : await request.arrayBuffer()
    const send = (path: string, headers: Headers): Promise<Response> => {
      for (const name of ['host', 'connection', 'content-length', 'transfer-encoding']) headers.delete(name)
      return fetch(`${target}${path}`, {
        method: request.method,
        headers,
        redirect: 'manual',
        ...(body ? { body } : {}),
      })
    }
    return handle({
      request,
      text: new TextDecoder().decode(body),
      paid,
      turn: credentials.length,
      forward: async (path = here) => plain(await send(path, new Headers(request.headers))),
      ask: async () => {
        const headers = new Headers(request.headers)
        for (const name of ['authorization', 'payment-signature', 'x-payment', 'sign-in-with-x'])
          headers.delete(name)
        return plain(await send(here, headers))
      },
      drop: () => {
        c.env.incoming.socket.destroy()
        return c.body(null)
      },
    })
  })
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
  await new Promise<void>((resolve) => server.once('listening', () => resolve()))
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  return {
    origin,
    url: (path) => `${origin}${path}`,
    credentials,
    unpaid: () => unpaid,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

/** As it goes on to the client: the body was decoded on the way. */
async function plain(response: Response): Promise<Response> {
  const headers = new Headers(response.headers)
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding', 'connection'])
    headers.delete(name)
  return new Response(await response.arrayBuffer(), { status: response.status, headers })
}
