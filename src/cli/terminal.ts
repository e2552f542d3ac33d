import type { Readable, Writable } from 'node:stream'

/** The streams and the environment of a run of `purser`. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined }
  readonly stdout: Writer
  readonly stderr: Writer
  readonly env: Record<string, string | undefined>
}

/** An output stream, and whether it is a terminal. */
export type Writer = Writable & {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

/** `json` prints one line for an answer, and one line for each row of a list. */
export type Format = 'json' | 'text'

/** JSON if stdout is no terminal, text otherwise; `--json` and `--text` force one of them. */
export function formatOf(
  { json, text }: { readonly json?: boolean | undefined; readonly text?: boolean | undefined },
  { stdout }: Terminal,
): Format {
  if (json === true) return 'json'
  if (text === true) return 'text'
  return stdout.isTTY === true ? 'text' : 'json'
}

/** Tells whether a person can be asked: both the input and the messages are on a terminal. */
export function isInteractive({ stdin, stderr }: Pick<Terminal, 'stdin' | 'stderr'>): boolean {
  return stdin.isTTY === true && stderr.isTTY === true
}
