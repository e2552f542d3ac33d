import { Command, CommanderError } from 'commander'
import { approvalCommands } from './commands/approvals.js'
import { exportCommand, statementCommand } from './commands/books.js'
import { budgetsCommand } from './commands/budgets.js'
import { confirmClockCommand, ledgerCommand, policyCommand } from './commands/care.js'
import { completeCommand, completionCommand } from './commands/completion.js'
import { discoverCommand } from './commands/discover.js'
import { fetchCommand } from './commands/fetch.js'
import { keysCommand } from './commands/keys.js'
import { mcpCommand } from './commands/mcp.js'
import { notifyCommand } from './commands/notify.js'
import { paymentCommand, paymentsCommand, receiptCommand } from './commands/payments.js'
import { quoteCommand } from './commands/quote.js'
import { schemaCommand } from './commands/schema.js'
import { sessionsCommand } from './commands/sessions.js'
import { doctorCommand, initCommand, vendorCommand } from './commands/setup.js'
import { stopCommands } from './commands/stop.js'
import { vendorsCommand } from './commands/vendors.js'
import { watchCommand } from './commands/watch.js'
import { whereCommand } from './commands/where.js'
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.js'
import { linesOf, problemFact } from './problem.js'
import { Shell } from './shell.js'
import type { Terminal } from './terminal.js'
import { packageVersion } from './version.js'

const EXIT_CODES = `
Exit codes:
  0 done   1 failed, no money moved   2 wrong usage or settings   3 refused
  4 network, nothing paid   5 waits for a person   6 in doubt   7 paid, not
  delivered   8 frozen   22 the answer is 4xx or 5xx, with -f`

/** Creates the command line. The groups are the parts of `purser --help`. */
export function createProgram(shell: Shell): Command {
  const program = new Command('purser')
    .description('Pays for agents, inside limits that you set.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    // Options of `purser sessions` and of `purser sessions close` may have the same name.
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => void shell.terminal.stdout.write(text),
      writeErr: (text) => void shell.terminal.stderr.write(text),
    })
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(purser --help lists the commands)')
  const groups: Readonly<Record<string, readonly Command[]>> = {
    'Pay:': [fetchCommand(shell), quoteCommand(shell), discoverCommand(shell)],
    'Look:': lookCommands(shell),
    'Decide:': approvalCommands(shell),
    'Care:': [policyCommand(shell), ledgerCommand(shell), confirmClockCommand(shell)],
    'Stop:': stopCommands(shell),
    'Set up:': [
      initCommand(shell),
      doctorCommand(shell),
      vendorCommand(shell),
      keysCommand(shell),
      notifyCommand(shell),
      whereCommand(shell),
    ],
    'Serve:': [mcpCommand()],
    'Scripts:': [schemaCommand(shell), completionCommand(shell)],
  }
  for (const [group, commands] of Object.entries(groups))
    for (const command of commands) program.addCommand(command.helpGroup(group))
  program.addCommand(completeCommand(), { hidden: true })
  for (const command of program.commands) inheritSettings(command, program)
  return program
}

/** The commands that read the ledger. None of them needs a key. */
function lookCommands(shell: Shell): readonly Command[] {
  return [
    budgetsCommand(shell),
    paymentsCommand(shell),
    paymentCommand(shell),
    receiptCommand(shell),
    vendorsCommand(shell),
    sessionsCommand(shell),
    watchCommand(shell),
    exportCommand(shell),
    statementCommand(shell),
  ]
}

function inheritSettings(command: Command, from: Command): void {
  command.copyInheritedSettings(from).helpCommand(false)
  for (const inner of command.commands) inheritSettings(inner, command)
}

/**
 * Runs `purser` with these arguments. stdout is the answer; everything else goes to stderr.
 *
 * @returns The exit code.
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const shell = new Shell(terminal)
  const program = createProgram(shell)
  if (args.length === 0) {
    program.outputHelp()
    return EXIT.usage
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return shell.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    terminal.stderr.write(
      args.includes('--json') ? `${JSON.stringify(problemFact(error))}\n` : linesOf(error),
    )
    return exitCodeOf(error)
  }
}
