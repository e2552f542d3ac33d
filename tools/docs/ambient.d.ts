// Names that an example may use without saying where they come from. A name the example declares itself wins.
declare global {
  /** A purser that was made earlier on the page. */
  const purser: import('purser').Purser
  /** Any address that charges. */
  const url: string
  const wallets: readonly import('../../src/wallet/index.js').Wallet[]
  const policy: import('../../src/policy/index.js').PolicyDocument
  const account: import('viem/accounts').PrivateKeyAccount
  /** What was caught. */
  const error: unknown
  const response: Response
  const headers: Headers
  const signal: AbortSignal
  const challenge: import('../../src/protocol/index.js').Challenge
  const resource: import('../../src/protocol/index.js').Resource
  const terms: import('../../src/policy/index.js').Terms
  /** A client of the MCP SDK that is not connected yet, and a transport for it. */
  const client: import('@modelcontextprotocol/client').Client
  const transport: import('@modelcontextprotocol/client').Transport
  /** Sends a JSON-RPC request. */
  const send: import('../../src/mcp/index.js').RpcSender
  const decision: import('../../src/policy/index.js').Decision
}

export {}
