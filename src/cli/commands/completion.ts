import { Argument, Command } from 'commander'
import type { Shell } from '../shell.js'

/** `purser completion SHELL`: the script that makes a shell complete commands and options. */
export function completionCommand(shell: Shell): Command {
  return new Command('completion')
    .description('Prints the script by which a shell completes commands and options.')
    .addArgument(new Argument('<SHELL>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      [
        '',
        'bash: add to ~/.bashrc      source <(purser completion bash)',
        'zsh:  add to ~/.zshrc       source <(purser completion zsh)',
        'fish: type once             purser completion fish > ~/.config/fish/completions/purser.fish',
      ].join('\n'),
    )
    .action(async (name: string, _options: unknown, command: Command) => {
      const { printScript } = await import('../completion.js')
      printScript(programOf(command), name, shell.terminal.stdout)
    })
}

/** `purser complete -- WORDS`: the script of a shell calls it. It is in no list of commands. */
export function completeCommand(): Command {
  return new Command('complete')
    .argument('[WORDS...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: readonly string[], _options: unknown, command: Command) => {
      const { printSuggestions } = await import('../completion.js')
      printSuggestions(programOf(command), words)
    })
}

function programOf(command: Command): Command {
  return command.parent ?? command
}
