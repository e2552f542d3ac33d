import type { Command } from 'commander'
import { createProgram } from '../../src/cli/program.js'
import { Shell } from '../../src/cli/shell.js'

const COMMON: ReadonlySet<string> = new Set([
  '--json',
  '--text',
  '--no-color',
  '--config',
  '--policy',
  '--ledger',
  '--help',
])
const START = /(<!-- commands:[^\n]* -->\n)[\s\S]*?(<!-- \/commands -->)/

/** Returns a page with the list of all commands and options in the place that is marked for it. */
export function withCommandList(page: string): string {
  return page.replace(START, (_, start: string, end: string) => `${start}\n${commandList()}\n\n${end}`)
}

/** Returns the commands by group, each with its options, as Markdown. */
function commandList(): string {
  const { stdin, stdout, stderr } = process
  const program = createProgram(new Shell({ stdin, stdout, stderr, env: {} }))
  const groups = new Map<string, string[]>()
  for (const command of program.createHelp().visibleCommands(program)) {
    const group = command.helpGroup()
    groups.set(group, [...(groups.get(group) ?? []), ...entries(command, ['purser'])])
  }
  return [...groups]
    .map(([group, lines]) => `### ${group.replace(/:$/, '')}\n\n${lines.join('\n')}`)
    .join('\n\n')
}

function entries(command: Command, above: readonly string[]): readonly string[] {
  const path = [...above, command.name()]
  const inner = command.createHelp().visibleCommands(command)
  if (inner.length > 0) return inner.flatMap((one) => entries(one, path))
  const operands = command.registeredArguments.map((one) => {
    const name = `${one.name()}${one.variadic ? '...' : ''}`
    return one.required ? `<${name}>` : `[${name}]`
  })
  const options = command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long === undefined || long === null || !COMMON.has(long))
    .map(({ flags, description }) => `  - \`${flags}\`: ${inText(description)}`)
  return [`- \`${[...path, ...operands].join(' ')}\`: ${inText(command.description())}`, ...options]
}

/** Angle brackets would be HTML. */
function inText(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('|', '\\|')
}
