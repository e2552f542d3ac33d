/** A paid server on stdio: `tsx stdio-server.ts <1.x|2.x> <error|result> <url of the chain> <chain id>`. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { tempoGate } from './gates.js'
import { newServer, oldServer } from './sdk-servers.js'

const [line, form, url = '', id = ''] = process.argv.slice(2)
const gate = tempoGate({ url, id: Number(id) })
const options = { gate, form: form === 'result' ? 'result' : 'error' } as const
if (line === '1.x') await oldServer(options).connect(new StdioServerTransport())
else serveStdio(() => newServer(options))
