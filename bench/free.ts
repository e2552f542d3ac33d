import { createServer } from 'node:http'
import { Mppx, tempo as mppxTempo } from 'mppx/client'
import { createClient, http } from 'viem'
import { createPurser } from '../src/index.js'
import { memoryLedger } from '../src/ledger/memory.js'
import { tempo } from '../src/wallet/tempo/index.js'
import { micros, type Row, ratio, sideBySide } from './measure.js'
import { account, alphaUSD, policy } from './stubs.js'

/** A call that costs nothing, to an origin that policy lists, on loopback: beside raw fetch and the reference client. */
export async function benchFree(): Promise<readonly Row[]> {
  const server = createServer((_, response) => response.end('tea'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  const purser = createPurser({
    agent: 'bench',
    currencies: [alphaUSD],
    wallets: [tempo({ account })],
    policy: { ...policy, vendors: [{ origin }] },
    ledger: memoryLedger(),
  })
  const reference = Mppx.create({
    polyfill: false,
    methods: [mppxTempo.charge({ account, getClient: () => createClient({ transport: http(origin) }) })],
  })
  const url = `${origin}/v1/search?q=tea`
  const get = (fetch: (url: string, init?: RequestInit) => Promise<Response>) => async () => {
    await (await fetch(url)).text()
  }
  const headers = { 'content-type': 'application/json', 'x-trace': 'abc' }
  const post = (fetch: (url: string, init?: RequestInit) => Promise<Response>) => async () => {
    await (await fetch(url, { method: 'POST', headers, body: '{"q":"tea"}' })).text()
  }
  const plan = { rounds: 60, batch: 100, warmUp: 500 }
  const fetches = { 'raw fetch': globalThis.fetch, purser: purser.fetch, mppx: reference.fetch }
  const rows: Row[] = []
  for (const [verb, of] of Object.entries({ GET: get, POST: post })) {
    const contenders = Object.entries(fetches).map(([name, fetch]) => ({ name, run: of(fetch) }))
    const [raw, ours, theirs] = await sideBySide(contenders, plan)
    if (raw === undefined || ours === undefined || theirs === undefined) continue
    rows.push({
      what: `${verb} that costs nothing / raw fetch, loopback`,
      measured: `${ratio(ours, raw)} (${micros(ours)} / ${micros(raw)}; mppx ${ratio(theirs, raw)})`,
      target: '≤ 1.02 ×',
    })
  }
  await purser.close()
  server.closeAllConnections()
  server.close()
  return rows
}
