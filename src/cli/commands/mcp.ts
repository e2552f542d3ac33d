import { Command, InvalidArgumentError } from 'commander'
import type { McpCommandOptions } from '../serve-mcp.js'

/** `purser mcp`: a server of tools for an MCP host. */
export function mcpCommand(): Command {
  return new Command('mcp')
    .description('Serves the tools of Purser to an MCP host, over stdin and stdout.')
    .option('--config <FILE>', 'the settings file (default: ~/.config/purser/config.yaml)')
    .option('--policy <FILE>', 'the policy file')
    .option('--ledger <FILE>', 'the ledger file')
    .option('--agent <NAME>', 'the agent that pays, as the policy names it')
    .option('--approver <FILE>', 'a module whose default export asks a person')
    .option('--elicitation', 'the host may ask its user, and that answer counts')
    .option('--save-to <DIR>', 'a folder for replies that are no text or too long')
    .option('--http [PORT]', 'serve on 127.0.0.1 instead of stdin and stdout', portOf)
    .option('--token-file <FILE>', 'the file with the token for --http; created if missing')
    .option(
      '--upstream <NAME=URL|COMMAND>',
      'offer the tools of this MCP server too, and pay for them; repeatable',
      collect,
      [],
    )
    .action(async (options: McpCommandOptions) => {
      // Loaded now: `purser --help` needs none of it.
      const { serveMcp } = await import('../serve-mcp.js')
      await serveMcp(options)
    })
}

function collect(one: string, before: readonly string[]): readonly string[] {
  return [...before, one]
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new InvalidArgumentError('It must be a port from 0 to 65535.')
  return port
}
