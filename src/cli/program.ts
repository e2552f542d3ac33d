import { Command, CommanderError } from 'commander'
import { clean, isPaymentError } from '../errors/index.js'
import { mcpCommand } from './commands/mcp.js'
import { EXIT, exitCodeOf } from './exit-codes.js'
import { packageVersion } from './version.js'

/**
 * Runs `purser` with these arguments. stdout is the answer; everything else goes to stderr.
 *
 * @returns The exit code.
 */
export async function run(args: readonly string[]): Promise<number> {
  const program = new Command('purser')
    .description('Pays for agents, inside limits that you set.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError('(purser --help lists the options)')
    .addCommand(mcpCommand())
  for (const command of program.commands) command.copyInheritedSettings(program)
  if (args.length === 0) {
    program.outputHelp()
    return EXIT.usage
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return EXIT.done
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    process.stderr.write(`purser: ${sentenceOf(error)}\n`)
    return exitCodeOf(error)
  }
}

/** What happened, without the text of errors that may quote secrets. */
function sentenceOf(error: unknown): string {
  if (isPaymentError(error)) return `${error.message} (${error.code}, explained in ${error.docs})`
  return error instanceof Error ? clean(error.message, 600) : 'the command failed'
}
