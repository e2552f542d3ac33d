import suggestions, { type Command as Suggested } from '@bomb.sh/tab'
import type { Command } from 'commander'
import type { Writer } from './terminal.js'

/**
 * The library's script for bash needs the package bash-completion, and runs the typed words as code to complete them. This
 * one passes them on as they are.
 */
const BASH = `_purser() {
  local word
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    case $word in
      '' | :*) ;;
      "\${COMP_WORDS[COMP_CWORD]}"*) COMPREPLY+=("$word") ;;
    esac
  done < <(purser complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _purser purser
`

/** Prints the script that makes a shell ask `purser complete`. */
export function printScript(program: Command, shell: string, stdout: Writer): void {
  if (shell === 'bash') stdout.write(BASH)
  else suggestions.setup(program.name(), program.name(), shell)
}

/** Prints the words that may follow. The last word is the one that is being typed. */
export function printSuggestions(program: Command, words: readonly string[]): void {
  for (const command of visible(program)) addCommand(command, [])
  suggestions.parse([...words])
}

/** Adds a command and its sub-commands, with their options and their fixed values. */
function addCommand(command: Command, above: readonly string[]): void {
  const path = [...above, command.name()]
  const inner = visible(command)
  const suggested = suggestions.command(path.join(' '), command.description())
  for (const { long, description, argChoices, required, optional } of command
    .createHelp()
    .visibleOptions(command)) {
    const name = long?.slice(2)
    if (name === undefined) continue
    if (required || optional)
      suggested.option(name, description, (complete) => addValues(argChoices ?? [], complete))
    else suggested.option(name, description)
  }
  for (const { argChoices } of command.registeredArguments) addArgument(suggested, argChoices ?? [])
  for (const one of inner) addCommand(one, path)
}

function addArgument(suggested: Suggested, choices: readonly string[]): void {
  suggested.argument('value', (complete) => addValues(choices, complete))
}

function addValues(values: readonly string[], complete: (value: string, description: string) => void): void {
  for (const value of values) complete(value, '')
}

function visible(command: Command): readonly Command[] {
  return command.createHelp().visibleCommands(command)
}
