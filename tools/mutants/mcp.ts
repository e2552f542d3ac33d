import type { Mutant } from './list.js'

const TRANSPORT = ['test/mcp/transport.test.ts']
const CONNECTION = 'src/mcp/connection.ts'
const CODEC = 'src/mcp/codec.ts'

/** Faults in payments for MCP. */
export const MCP: readonly Mutant[] = [
  {
    name: 'mcp-elicitation-paid',
    breaks: 'Purser takes URL elicitation for a demand for payment because both use the same error code',
    file: CODEC,
    find: 'asks && (Array.isArray(challenges) || x402 !== undefined)',
    replace: 'asks',
    tests: TRANSPORT,
  },
  {
    name: 'mcp-task-lost',
    breaks:
      'a call inside purser.run() does not count for its task because the demand arrives outside that task',
    file: 'src/mcp/connection.ts',
    find: 'void asked.then((first) => {',
    replace: ';((pay: (first: RpcResponse) => void) => Object.assign(entry ?? {}, { pay }))((first) => {',
    tests: TRANSPORT,
  },
  {
    name: 'mcp-success-asks',
    breaks: 'Purser takes the content of a successful tool result for a demand for payment',
    file: CODEC,
    find: 'const x402 = failed ? x402In(result) : undefined',
    replace: 'const x402 = x402In(result)',
    tests: TRANSPORT,
  },
  {
    name: 'mcp-error-delivered',
    breaks: 'a failed tool call counts as delivered',
    file: CODEC,
    find: "result !== undefined && member(result, 'isError') !== true",
    replace: 'result !== undefined',
    tests: TRANSPORT,
  },
  {
    name: 'mcp-flattened-rejection-missed',
    breaks: 'Purser passes a rejection on as a normal result if the SDK turned it into a failed tool call',
    file: CODEC,
    find: 'FLATTENED.test(text)',
    replace: 'text.length < 0',
    tests: TRANSPORT,
  },
  {
    name: 'mcp-paid-twice',
    breaks: 'Purser pays again for a request that already carries a payment',
    file: CODEC,
    find: 'const asked = paidByCaller(request)',
    replace: 'const asked = paidByCaller({ ...request, params: undefined })',
    tests: TRANSPORT,
  },
  {
    name: 'mcp-options-leak',
    breaks: "Purser sends the caller's options for Purser to the server",
    file: 'src/mcp/meta.ts',
    find: '    ...kept,',
    replace: '    ...(isObject(meta) ? meta : kept),',
    tests: TRANSPORT,
  },
  {
    name: 'mcp-second-answer-told',
    breaks: 'a second answer to a request that is being paid reaches the client',
    file: CONNECTION,
    find: '        call.receive(message, extra)\n        return\n',
    replace: '        call.receive(message, extra)\n        if (call.paid) return\n',
    tests: TRANSPORT,
  },
  {
    name: 'mcp-cancel-ignored',
    breaks: 'Purser continues to pay for a call that the client cancelled',
    file: CONNECTION,
    find: 'this.#calls.get(id)?.cancel(',
    replace: 'void (',
    tests: TRANSPORT,
  },
  {
    name: 'mcp-tool-sent-again',
    breaks: 'Purser calls a tool a second time on its own after the request was lost',
    file: CONNECTION,
    find: 'READS.has(request.method) || ',
    replace: 'request.method !== undefined || ',
    tests: TRANSPORT,
  },
  {
    name: 'mcp-end-before-funds',
    breaks:
      'Purser reports a lost connection to the client before the paid calls report the state of their payments',
    file: CONNECTION,
    find: 'if (calls.some(({ paid }) => paid))',
    replace: 'if (calls.length < 0)',
    tests: TRANSPORT,
  },
  {
    name: 'mcp-digest-ignored',
    breaks: 'Purser pays an offer that is bound to a body for a call without a body',
    file: 'src/mcp/rpc-exchange.ts',
    find: 'if (challenge.digest !== undefined)',
    replace: 'if (challenge.digest === null)',
    tests: TRANSPORT,
  },
  {
    name: 'mcp-secret-kept',
    breaks: "the ledger stores the user and the query of a resource's address",
    file: 'src/mcp/resource.ts',
    find: ".replace(/[?#].*$/s, '')",
    replace: ".replace(/#.*$/s, '')",
    tests: TRANSPORT,
  },
  {
    name: 'mcp-disguised-tool',
    breaks: 'Purser takes a tool with the name of a resource for that resource',
    file: 'src/mcp/resource.ts',
    find: "return disguised ? this.#prefixed('tool', name)",
    replace: "return disguised && name === '' ? this.#prefixed('tool', name)",
    tests: TRANSPORT,
  },
  {
    name: 'mcp-any-tool',
    breaks: 'a star in the list of tools matches every tool',
    file: 'src/policy/vendors.ts',
    find: "name.endsWith('*') ? tool.startsWith(name.slice(0, -1))",
    replace: "name.endsWith('*') ? tool.length > 0",
    tests: TRANSPORT,
  },
  {
    name: 'json-rpc-list-lost',
    breaks: 'Purser replaces the params of a call that are a list by an object with the credential',
    file: 'src/mcp/json-rpc.ts',
    find: "if (params !== undefined && !isObject(params)) return 'root'",
    replace: "if (params === null) return 'root'",
    tests: ['test/mcp/json-rpc.test.ts'],
  },
]
