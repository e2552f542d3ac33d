import type { McpServer } from '@modelcontextprotocol/server'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'

/** A connection over standard input and output. */
export interface RunningStdio {
  /** Resolves when the host has closed the connection. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

/** Serves MCP over this process's standard input and output. All other output must be printed to stderr. */
export function serveOverStdio(makeServer: () => McpServer): RunningStdio {
  const transport = new StdioServerTransport()
  const handle = serveStdio(makeServer, { transport })
  const ended = new Promise<void>((resolve) => {
    process.stdin.once('end', resolve)
    process.stdin.once('close', resolve)
  })
  return { ended, close: () => handle.close() }
}
