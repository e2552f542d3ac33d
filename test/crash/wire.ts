import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { diceFor } from './random.js'

/** What the wire does to a request or to its answer. */
const FAULTS = [
  'drop before',
  'drop during',
  'drop after',
  'half-closed',
  'slow',
  'slow',
  'slow answer',
  'twice',
  // Lost for the client, and delivered all the same, when somebody else may already be looking into it. The worst.
  'late',
  'late',
  'late',
] as const
export type Fault = (typeof FAULTS)[number]

/** A wire between payers and an API, which breaks as the dice say. */
export interface Wire {
  readonly origin: string
  readonly faults: ReadonlyMap<Fault, number>
  /** From now on it carries everything with this mark as it is. */
  mend(mark: string): void
  close(): Promise<void>
}

const LONGEST_PAUSE_MS = 3_500
const UNPAID_FAULTS = 0.08
const PAID_FAULTS = 0.5
/** Purchases that no answer ever comes through for, until the wire is mended. */
const STUBBORN = 0.4

/** Requests are told apart by `?n=`; `<scenario>-<number>`: the scenario is the mark. */
export async function startWire(target: string, seed: number): Promise<Wire> {
  const faults = new Map<Fault, number>()
  const turns = new Map<string, number>()
  const mended = new Set<string>()
  const faultFor = (url: URL, paid: boolean): { fault?: Fault; pause: number } => {
    const n = url.searchParams.get('n') ?? ''
    const [mark = ''] = n.split('-')
    const turn = (turns.get(`${n}${paid}`) ?? 0) + 1
    turns.set(`${n}${paid}`, turn)
    const dice = diceFor(seed, 'wire', n, String(paid), turn)
    const pause = dice.below(LONGEST_PAUSE_MS)
    const stubborn = paid && diceFor(seed, 'stubborn', n).chance(STUBBORN)
    if (mended.has(mark) || !(stubborn || dice.chance(paid ? PAID_FAULTS : UNPAID_FAULTS))) return { pause }
    const fault = dice.pick(FAULTS)
    faults.set(fault, (faults.get(fault) ?? 0) + 1)
    return { fault, pause }
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', target)
    const paid = request.headers.authorization !== undefined
    const { fault, pause } = faultFor(url, paid)
    carry(request, response, url, fault, pause).catch(() => request.socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    faults,
    mend: (mark) => void mended.add(mark),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function carry(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  fault: Fault | undefined,
  pause: number,
): Promise<void> {
  if (fault === 'drop before') return void request.socket.destroy()
  if (fault === 'late') {
    request.socket.destroy()
    await sleep(pause)
    return void (await forwarded(request, url)).body?.cancel()
  }
  if (fault === 'slow') await sleep(pause)
  const forward = () => forwarded(request, url)
  const answers = fault === 'twice' ? [forward(), forward()] : [forward()]
  // The copy's answer or the original's, whichever the pause says: servers tell them apart no better.
  const reply = await (answers[pause % answers.length] ?? forward())
  if (fault === 'slow answer') await sleep(pause)
  const body = Buffer.from(await reply.arrayBuffer())
  if (fault === 'drop after') return void request.socket.destroy()
  const headers = new Headers(reply.headers)
  for (const name of ['content-encoding', 'transfer-encoding', 'connection', 'keep-alive'])
    headers.delete(name)
  headers.set('content-length', String(body.length))
  response.writeHead(reply.status, Object.fromEntries(headers))
  if (fault !== 'drop during' && fault !== 'half-closed') return void response.end(body)
  // The head and half of the body, and then nothing (half-closed) or a reset.
  response.write(body.subarray(0, body.length / 2), () => {
    if (fault === 'half-closed') request.socket.end()
    else request.socket.destroy()
  })
}

function forwarded(request: IncomingMessage, url: URL): Promise<Response> {
  const headers = new Headers()
  for (const name of ['authorization', 'idempotency-key', 'accept-payment']) {
    const value = request.headers[name]
    if (typeof value === 'string') headers.set(name, value)
  }
  return fetch(url, { headers, redirect: 'manual' })
}
