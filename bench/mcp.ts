import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { CallToolRequestSchema, McpError } from '@modelcontextprotocol/sdk/types.js'
import { McpClient } from 'mppx/mcp/client'
import { keccak256, stringToHex } from 'viem'
import { payingTransport } from '../src/mcp/index.js'
import { chargePurser, mppxCharge } from './charge.js'
import { cpuRatio, micros, type Row, ratio, sideBySide } from './measure.js'
import { account, CHALLENGES, PAYEE, policy, RECEIPT, stubNode } from './stubs.js'

const INFO = { name: 'bench', version: '1' }

function freeServer(): McpServer {
  const server = new McpServer(INFO)
  server.registerTool('free', {}, () => ({ content: [{ type: 'text', text: 'tea' }] }))
  return server
}

if (process.argv[2] === '--serve') await freeServer().connect(new StdioServerTransport())

/** A tool that costs nothing, of a server that policy lists: beside the client alone, in memory and over stdio. */
export async function benchMcp(): Promise<readonly Row[]> {
  const purser = chargePurser(stubNode(), { ...policy, vendors: [{ origin: 'mcp:shop', payees: [PAYEE] }] })
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
  rows.push(...(await paidCalls(wrap)))
  await purser.close()
  return rows
}

/** A tool that costs money, in memory: beside the client of mppx, which keeps no ledger and has no policy. */
async function paidCalls(wrap: (transport: Transport) => Transport): Promise<readonly Row[]> {
  const ours = await inMemory(wrap, paidServer())
  const theirs = await inMemory((transport) => transport, paidServer())
  McpClient.wrap(theirs, { methods: [mppxCharge(stubNode())] })
  const hash = keccak256(stringToHex('a charge'))
  const call = (client: Client) => async () => {
    const { content } = await client.callTool({ name: 'paid', arguments: {} })
    if (!Array.isArray(content) || content.length !== 1) throw new TypeError('the bench was not paid')
  }
  const [signature, purser, mppx] = await sideBySide(
    [
      { name: 'one bare signature', run: () => account.sign({ hash }) },
      { name: 'purser', run: call(ours) },
      { name: 'mppx', run: call(theirs) },
    ],
    { rounds: 40, batch: 20, warmUp: 1_000 },
  )
  await Promise.all([ours.close(), theirs.close()])
  if (signature === undefined || purser === undefined) return []
  return [
    {
      what: 'paid MCP callTool (Tempo charge) / one bare signature, in memory',
      measured: `${ratio(purser, signature)} (${micros(purser)} / ${micros(signature)}; by CPU ${cpuRatio(purser, signature)}; mppx ${ratio(mppx, signature)})`,
      target: 'below mppx',
    },
  ]
}

/** Asks once for each call, and is content with any credential. */
function paidServer(): Server {
  let serial = 0
  const server = new Server(INFO, { capabilities: { tools: {} } })
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    if (params._meta?.['org.paymentauth/credential'] === undefined) {
      const challenges = [CHALLENGES[serial++ % CHALLENGES.length]]
      throw new McpError(-32042, 'Payment Required', { httpStatus: 402, challenges })
    }
    return {
      content: [{ type: 'text', text: 'tea' }],
      _meta: { 'org.paymentauth/receipt': RECEIPT },
    }
  })
  return server
}

async function inMemory(
  wrap: (transport: Transport) => Transport,
  server: { connect(transport: Transport): Promise<void> } = freeServer(),
): Promise<Client> {
  const [near, far] = InMemoryTransport.createLinkedPair()
  await server.connect(far)
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
