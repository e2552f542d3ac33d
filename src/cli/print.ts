import { once } from 'node:events'
import type { Answer } from './answer.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import { styleOf } from './style.js'
import type { Format, Terminal, Writer } from './terminal.js'

interface Printing {
  readonly format: Format
  readonly terminal: Terminal
  /** False for `--no-color`. */
  readonly color: boolean
}

/**
 * Prints an answer to stdout.
 *
 * @returns The exit code of the command.
 */
export async function print(answer: Answer, { format, terminal, color }: Printing): Promise<ExitCode> {
  const { stdout, env } = terminal
  if (format === 'text') await writeLine(stdout, await answer.text(styleOf(stdout, { color, env })))
  else if (answer.kind === 'single') await writeLine(stdout, jsonText(answer.json))
  else for await (const row of answer.rows) await writeLine(stdout, jsonText(row))
  return answer.code ?? EXIT.done
}

// The characters that a terminal acts on, and those that change the order of text.
const UNSAFE = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

/** Returns JSON in one line. Characters that a terminal could act on are escaped, so `--json` is safe on a terminal. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Writes a line, and waits if the reader is slow. */
export async function writeLine(stream: Writer, text: string): Promise<void> {
  if (!stream.write(text.endsWith('\n') ? text : `${text}\n`)) await once(stream, 'drain')
}
