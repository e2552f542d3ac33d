import { misuse } from './misuse.js'
import { isInteractive, type Terminal } from './terminal.js'

/** Asks the person at the terminal for a yes or no. An interrupted prompt is a no. */
export async function confirmed(message: string, { stdin, stderr }: Terminal): Promise<boolean> {
  const { confirm, isCancel } = await import('@clack/prompts')
  const answer = await confirm({ message, initialValue: false, input: stdin, output: stderr })
  return !isCancel(answer) && answer
}

/**
 * Asks the person at the terminal for the passphrase of a key.
 *
 * @throws PaymentError `invalid_config` without a terminal, or if the prompt is interrupted.
 */
export async function passphraseFrom(terminal: Terminal, message = 'Passphrase of the key'): Promise<string> {
  if (!isInteractive(terminal))
    throw misuse('The key has a passphrase, and only a person at a terminal can type it')
  const { password, isCancel } = await import('@clack/prompts')
  const typed = await password({ message, input: terminal.stdin, output: terminal.stderr })
  if (isCancel(typed)) throw misuse('No passphrase was typed')
  return typed
}
