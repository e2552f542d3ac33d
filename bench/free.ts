import { createServer } from 'node:http'
import { Mppx, tempo as mppxTempo } from 'mppx/client'
import { createClient, http } from 'viem'
import { createPurser } from '../src/index.js'
import { memoryLedger } from '../src/ledger/memory.js'
import { tempo } from '../src/wallet/tempo/index.js'
import { cpuRatio, micros, type Row, ratio, sideBySide } from './measure.js'
import { account, alphaUSD, policy } from './stubs.js'

/** What says that we can pay, as a caller would write it: no paying fetch can be cheaper than raw fetch with it. */
const FURTHER = { 'accept-payment': 'tempo/charge;q=0.9' }

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
  const plan = { rounds: 400, batch: 20, warmUp: 3_000 }
  const raw = globalThis.fetch
  const fetches = {
    'raw fetch': raw,
    'one header more': (to: string, init?: RequestInit) =>
      raw(to, { ...init, headers: { ...FURTHER, ...init?.headers } }),
    purser: purser.fetch,
    mppx: reference.fetch,
  }
  const rows: Row[] = []
  for (const [verb, of] of Object.entries({ GET: get, POST: post })) {
    const contenders = Object.entries(fetches).map(([name, fetch]) => ({ name, run: of(fetch) }))
    const [bare, further, ours, theirs] = await sideBySide(contenders, plan)
    if (bare === undefined || further === undefined || ours === undefined) continue
    rows.push(
      {
        what: `free ${verb} / raw fetch, loopback`,
        measured: `${ratio(ours, bare)} (${micros(ours)} / ${micros(bare)}; by CPU ${cpuRatio(ours, bare)}; mppx ${ratio(theirs, bare)})`,
        target: '≤ 1.02 ×',
      },
      {
        what: `raw fetch with an Accept-Payment header / without: the lower bound of a free ${verb}`,
        measured: `${ratio(further, bare)} (${micros(further)}; by CPU ${cpuRatio(further, bare)})`,
        target: 'reported',
      },
    )
  }
  await purser.close()
  server.closeAllConnections()
  server.close()
  return rows
}
