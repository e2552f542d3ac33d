/** An MCP server that charges for `search` by the error -32042, as a program for stdio. Written for the SDK 1.x. */
export const UPSTREAM_PROGRAM = `
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import {
  CallToolRequestSchema, GetPromptRequestSchema, ListPromptsRequestSchema, ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema, ListToolsRequestSchema, McpError, ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
const server = new Server({ name: 'up', version: '1' }, { capabilities: { tools: { listChanged: true }, resources: {}, prompts: {} } })
const text = (words, more = {}) => ({ content: [{ type: 'text', text: words }], ...more })
const tool = (name, more = {}) => ({ name, description: 'The tool ' + name, inputSchema: { type: 'object' }, ...more })
const tools = [
  tool('search', {
    inputSchema: { type: 'object', properties: { q: { type: 'string' } }, required: ['q'], additionalProperties: false },
    outputSchema: { type: 'object', properties: { found: { type: 'string' } }, required: ['found'] },
    annotations: { readOnlyHint: true },
  }),
  tool('payments'), tool('up_payments'), tool('payments'), tool('wrong', { inputSchema: { type: 'object', properties: { q: { $ref: '#/nowhere' } } } }), tool('fails'), tool('grow'), tool('die'), tool('progress'), tool('ask'), tool('ask-twice'), tool('sample'), tool('wait'), tool('env'),
]
let serial = 0
const receipt = () => ({ 'org.paymentauth/receipt': { method: 'slow', status: 'success', reference: 'm1', timestamp: new Date().toISOString() } })
const demand = () => new McpError(-32042, 'Payment Required', { httpStatus: 402, challenges: [{ id: 'u' + ++serial, realm: 'up', method: 'slow', intent: 'charge', request: {} }] })
server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }))
server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [{ uri: 'up://page', name: 'page' }] }))
server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [{ uriTemplate: 'up://items/{id}', name: 'item' }] }))
server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => { if (params.uri === 'up://items/paid' && params._meta?.['org.paymentauth/credential'] === undefined) throw demand(); if (params.uri === 'up://items/none') throw new McpError(-32051, 'no\u202e item'); return ({ contents: [{ uri: params.uri, text: 'read ' + params.uri }], ...(params.uri.endsWith('paid') ? { _meta: receipt() } : {}) }) })
server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: [{ name: 'greet', arguments: [{ name: 'who', required: true }] }] }))
server.setRequestHandler(GetPromptRequestSchema, ({ params }) => ({ messages: [{ role: 'user', content: { type: 'text', text: 'hello ' + params.arguments.who } }] }))
server.setRequestHandler(CallToolRequestSchema, async ({ params: { name, arguments: args, _meta } }, extra) => {
  if (name === 'search' && typeof args?.q !== 'string') throw new McpError(-32602, 'q must be a text')
  if (name === 'search') {
    if (_meta?.['org.paymentauth/credential'] === undefined)
      throw demand()
    return text('found ' + args.q, {
      structuredContent: { found: args.q },
      _meta: receipt(),
    })
  }
  if (name === 'fails') throw new McpError(Number(args.code), args.words, args.data)
  if (name === 'grow') { tools.push(tool('grown')); await server.sendToolListChanged(); return text('grown') }
  if (name === 'wait') return new Promise(() => undefined)
  if (name === 'die') process.exit(1)
  if (name === 'progress') {
    await extra.sendNotification({ method: 'notifications/progress', params: { progressToken: _meta.progressToken, progress: 7, message: 'half' } })
    // Clients of the SDK drop the progress of a call whose result arrives in the same read.
    await new Promise((resolve) => setTimeout(resolve, 50))
    return text('done')
  }
  if (name === 'ask') {
    const asked = server.elicitInput({ message: 'Which tea?', requestedSchema: { type: 'object', properties: {} } })
    return asked.then(({ action }) => text('the user said ' + action), (error) => text('nobody was asked: ' + error.message))
  }
  if (name === 'ask-twice') {
    const form = (message) => server.elicitInput({ message, requestedSchema: { type: 'object', properties: { tea: { type: 'string' } } } })
    const first = await form('Which tea?')
    const [second, third] = await Promise.all([form('Which cup?'), form('Which spoon?')])
    return text([first, second, third].map(({ action, content }) => action + ' ' + content?.tea).join(', '))
  }
  if (name === 'sample') {
    const { content } = await server.createMessage({ messages: [{ role: 'user', content: { type: 'text', text: 'Name a tea.' } }], maxTokens: 10 })
    return text('the model said ' + content.text)
  }
  if (name === 'env') return text(Object.keys(process.env).filter((key) => /PURSER|SECRET/.test(key)).join(','))
  return text('the upstream\\'s ' + name)
})
await server.connect(new StdioServerTransport())
`
