import { resolve } from 'node:path'
import { createApproverKey } from '../approver-key.js'
import { EXIT } from '../exit-codes.js'
import { misuse } from '../misuse.js'
import { passphraseFrom } from '../prompts.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'
import { isInteractive } from '../terminal.js'
import { defaultKeyPath } from './answer-approval.js'

/** The options of `purser approver create`. */
export interface ApproverOptions extends CommonOptions {
  readonly out?: string | undefined
  /** False for `--no-passphrase`. */
  readonly passphrase?: boolean | undefined
}

/** Creates the key that signs a person's answers, and prints the lines for the policy. */
export const createApprover: Action<ApproverOptions> = async ({ args: [name = ''], options, terminal }) => {
  if (!/^[\w .@-]{1,60}$/.test(name)) throw misuse('A name has 1 to 60 letters, digits, spaces and . @ - _')
  const file = options.out === undefined ? defaultKeyPath(terminal.env) : resolve(options.out)
  const encrypted = options.passphrase !== false
  if (encrypted && !isInteractive(terminal)) {
    terminal.stderr.write(
      `A person must type the passphrase of the key.\nnext_step: purser approver create '${name}', at a terminal (or with --no-passphrase)\n`,
    )
    return EXIT.waits
  }
  const passphrase = encrypted ? await newPassphrase(terminal) : undefined
  const publicKey = await createApproverKey(file, passphrase)
  const json: JsonOf<'approver'> = { name, type: 'ed25519', publicKey, file, encrypted }
  return {
    kind: 'single',
    json,
    text: () =>
      [
        `The key is in ${file}${encrypted ? ', encrypted' : ''}. Agents must not be able to read it.`,
        'Add this to the policy. Then only signed answers count:',
        '',
        'approval:',
        '  by:',
        `    - { name: ${JSON.stringify(name)}, type: ed25519, publicKey: ${publicKey} }`,
      ].join('\n'),
  }
}

async function newPassphrase(terminal: Parameters<typeof passphraseFrom>[0]): Promise<string> {
  const first = await passphraseFrom(terminal, 'A new passphrase, at least 8 characters')
  if (first.length < 8) throw misuse('A passphrase needs at least 8 characters')
  if ((await passphraseFrom(terminal, 'The same passphrase again')) !== first)
    throw misuse('The two passphrases are different. No key was made')
  return first
}
