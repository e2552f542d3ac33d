import { type Command, InvalidArgumentError } from 'commander'
import type { Shell } from '../shell.js'
import { withRequestOptions } from './request-options.js'

/** `purser fetch URL`: calls a server and pays, like curl. */
export function fetchCommand(shell: Shell): Command {
  const command = shell
    .command(
      'fetch',
      'Calls a server, and pays if the policy allows it. stdout is the body.',
      async () => (await import('../actions/fetch.js')).fetch,
    )
    .argument('<URL>', 'the address')
  // stdout is the body: JSON and text are about the line on stderr.
  for (const option of command.options) {
    if (option.long === '--json') option.description = 'print the facts of the payment as JSON, to stderr'
    if (option.long === '--text') option.description = 'print them as text, to stderr (the default)'
  }
  return withRequestOptions(command)
    .option('-o, --output <FILE>', 'write the body to a file')
    .option('-i, --include', 'print the headers of the answer before the body')
    .option('-I, --head', 'ask for the headers only, and print them')
    .option('-L, --location', 'follow redirects')
    .option('-f, --fail', 'print no body and end with 22 if the status is 400 or higher')
    .option('-s, --silent', 'do not say what was paid')
    .option('-S, --show-error', 'say why a call failed, even with -s')
    .option('-v, --verbose', 'print both heads to stderr')
    .option('--compressed', 'accepted for curl: compressed bodies are always unpacked')
    .option('--max-time <SECONDS>', 'the most seconds that the call may take', secondsOf)
    .option('--key <KEY>', 'the idempotency key: the same key never pays twice')
    .option('--dry-run', 'print the price and the decision of the policy. Signs nothing')
    .option('--send', 'with --dry-run: send a POST too, unpaid')
    .option('--wait', 'wait for the answer of a person, instead of ending with 5')
    .option('--yes', 'answer yes if the policy asks a person. It overrides no limit')
}

function secondsOf(text: string): number {
  const seconds = /^\d{1,6}(?:\.\d+)?$/.test(text) ? Number(text) : 0
  if (seconds <= 0) throw new InvalidArgumentError('It must be a number of seconds.')
  return seconds
}
