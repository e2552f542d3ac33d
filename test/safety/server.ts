import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { pathToFileURL } from 'node:url'
import { BEHAVIOURS, type BehaviourName } from './behaviours.js'
import { FLOODS, type FloodName } from './floods.js'
import { MCP_BEHAVIOURS, type McpBehaviourName } from './mcp-behaviours.js'
import { takenBy } from './node.js'
import {
  type Behaviour,
  type Credential,
  challengeOf,
  encode,
  receiptFor,
  type Seen,
  type Visit,
} from './offers.js'
import { SESSION_BEHAVIOURS, type SessionBehaviourName } from './session-behaviours.js'
import { STRIPE_BEHAVIOURS, type StripeBehaviourName } from './stripe-behaviours.js'
import { X402_BEHAVIOURS, type X402BehaviourName } from './x402-behaviours.js'
import { x402CredentialIn } from './x402-offers.js'

/**
 * A server that asks for money and means harm. It speaks plain HTTP on a real socket and knows nothing of any client,
 * so that any `fetch` can be held against it: `npx tsx test/safety/server.ts storm` prints where it listens.
 */

export interface HostileServer {
  readonly origin: string
  /** The same server as another origin. */
  readonly elsewhere: string
  readonly seen: readonly Seen[]
  /** The requests that carried a credential. */
  readonly paid: readonly Seen[]
  /** What the sockets took of this server's words, headers included, in bytes. */
  readonly taken: number
  close(): Promise<void>
}

/** What a server can do, by name. */
export type ServerName =
  | BehaviourName
  | FloodName
  | SessionBehaviourName
  | X402BehaviourName
  | StripeBehaviourName
  | McpBehaviourName

const SERVERS: Readonly<Record<ServerName, Behaviour>> = {
  ...BEHAVIOURS,
  ...FLOODS,
  ...SESSION_BEHAVIOURS,
  ...X402_BEHAVIOURS,
  ...STRIPE_BEHAVIOURS,
  ...MCP_BEHAVIOURS,
}

/** Starts one on a free port (or the one given). `arrived` is done with every credential before anything else. */
export async function hostileServer(
  what: ServerName | Behaviour,
  port = 0,
  arrived?: (credential: Credential) => Promise<void>,
): Promise<HostileServer> {
  const behaviour: Behaviour = typeof what === 'string' ? SERVERS[what] : what
  const sockets = new Set<Socket>()
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      seen.push(seenOf(request, Buffer.concat(chunks).toString()))
      const visit = visitOf(request, response, seen)
      const { credential } = visit.seen
      if (arrived === undefined || credential === undefined) void behaviour(visit)
      else void arrived(credential).then(() => behaviour(visit))
    })
  })
  server.on('connection', (socket) => sockets.add(socket))
  // Whatever a client makes of this server, the server lives.
  server.on('clientError', (_, socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${address.port}`,
    elsewhere: `http://localhost:${address.port}`,
    seen,
    get paid() {
      return seen.filter(({ credential }) => credential !== undefined)
    },
    get taken() {
      return takenBy(sockets)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function visitOf(request: IncomingMessage, response: ServerResponse, all: readonly Seen[]): Visit {
  const seen = all.at(-1)
  if (seen === undefined) throw new TypeError('Nobody came')
  const paid = all.filter(({ credential }) => credential !== undefined).length
  const visit: Visit = {
    seen,
    request,
    response,
    paid,
    unpaid: all.length - paid,
    elsewhere: `http://localhost:${request.socket.localPort}`,
    ask(...offers) {
      const values = offers.map((offer, index) => challengeOf(offer, `challenge-${all.length}-${index}`))
      response.writeHead(402, { 'www-authenticate': values.join(', ') }).end()
    },
    serve(receipt) {
      if (receipt !== null) response.setHeader('payment-receipt', encode(receipt ?? receiptFor(visit)))
      response.end('tea')
    },
  }
  return visit
}

function seenOf(request: IncomingMessage, body: string): Seen {
  const { headers, method = '', url = '' } = request
  const mpp = ['payment-authorization', 'authorization', 'cookie'].flatMap((header) => {
    const match = /^Payment ([\w-]+)$/i.exec(String(headers[header] ?? ''))
    if (match?.[1] === undefined) return []
    const { challenge, payload, source } = JSON.parse(Buffer.from(match[1], 'base64url').toString())
    return [{ header, raw: match[1], challenge, payload, source }]
  })
  const [credential] = [...mpp, ...x402CredentialIn(headers), ...mcpCredentialIn(body)]
  return { method, url, host: headers.host ?? '', headers, body, credential }
}

/** The credential in the `_meta` of a JSON-RPC request: inside `params` in MCP, else at the root. */
function mcpCredentialIn(body: string): readonly Credential[] {
  if (!body.startsWith('{"jsonrpc"') && !body.includes('"jsonrpc":"2.0"')) return []
  const { params, _meta } = Object(JSON.parse(body))
  const found = Object(Object(params)._meta ?? _meta)['org.paymentauth/credential']
  if (found === undefined) return []
  const { challenge, payload, source } = Object(found)
  return [{ header: '_meta', raw: JSON.stringify(found), challenge, payload, source }]
}

function isBehaviour(name: string | undefined): name is ServerName {
  return name !== undefined && Object.hasOwn(SERVERS, name)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , name, port = '0'] = process.argv
  if (isBehaviour(name)) {
    const { origin } = await hostileServer(name, Number(port))
    process.stdout.write(`${name} at ${origin}\n`)
  } else process.stdout.write(`Behaviours: ${Object.keys(SERVERS).join(', ')}\n`)
}
