import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { createPurser } from '../src/index.js'
import { memoryLedger } from '../src/ledger/memory.js'
import { payingTransport } from '../src/mcp/index.js'
import { tempo } from '../src/wallet/tempo/index.js'
import { cpuRatio, micros, type Row, ratio, sideBySide } from './measure.js'
import { account, alphaUSD, policy } from './stubs.js'

const INFO = { name: 'bench', version: '1' }

function freeServer(): McpServer {
  const server = new McpServer(INFO)
  server.registerTool('free', {}, () => ({ content: [{ type: 'text', text: 'tea' }] }))
  return server
}

if (process.argv[2] === '--serve') await freeServer().connect(new StdioServerTransport())

/** A tool that costs nothing, of a server that policy lists: beside the client alone, in memory and over stdio. */
export async function benchMcp(): Promise<readonly Row[]> {
  const purser = createPurser({
    agent: 'bench',
    currencies: [alphaUSD],
    wallets: [tempo({ account })],
    policy: { ...policy, vendors: [{ origin: 'mcp:shop' }] },
    ledger: memoryLedger(),
  })
  const wrap = (transport: Transport): Transport => payingTransport(transport, purser, { server: 'shop' })
  const same = (transport: Transport): Transport => transport
  const rows: Row[] = []
  for (const [name, open, plan] of [
    ['in memory', inMemory, { rounds: 300, batch: 20, warmUp: 2_000 }],
    ['stdio', overStdio, { rounds: 200, batch: 10, warmUp: 500 }],
  ] as const) {
    const [bare, paying] = [await open(same), await open(wrap)]
    const call = (client: Client) => async () => {
      await client.callTool({ name: 'free', arguments: {} })
    }
    const [alone, ours] = await sideBySide(
      [
        { name: 'client', run: call(bare) },
        { name: 'purser', run: call(paying) },
      ],
      plan,
    )
    await Promise.all([bare.close(), paying.close()])
    if (alone === undefined || ours === undefined) continue
    rows.push({
      what: `unpaid MCP callTool through payingTransport / the client alone, ${name}`,
      measured: `${ratio(ours, alone)} (${micros(ours)} / ${micros(alone)}; by CPU ${cpuRatio(ours, alone)})`,
      target: '≤ 1.05 ×',
    })
  }
  await purser.close()
  return rows
}

async function inMemory(wrap: (transport: Transport) => Transport): Promise<Client> {
  const [near, far] = InMemoryTransport.createLinkedPair()
  await freeServer().connect(far)
  const client = new Client(INFO)
  await client.connect(wrap(near))
  return client
}

async function overStdio(wrap: (transport: Transport) => Transport): Promise<Client> {
  const script = fileURLToPath(import.meta.url)
  const args = ['--import', 'tsx', script, '--serve']
  const client = new Client(INFO)
  await client.connect(wrap(new StdioClientTransport({ command: process.execPath, args })))
  return client
}
