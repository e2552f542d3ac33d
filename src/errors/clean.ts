/** How much of one text from a server is ever shown: enough for a sentence, too little for a flood. */
const DEFAULT_LENGTH = 300

// C0 and C1 controls (ANSI escapes start with one), bidirectional controls, zero-width and other format
// characters, line and paragraph separators, lone surrogates: nothing of it belongs in a log or a terminal.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]+/gu

/**
 * Text from a server, made fit to be shown: length-capped, one line, no control or bidirectional characters.
 *
 * @example
 * ```ts
 * clean('pay\u001b[2J now\u202e') // 'pay [2J now'
 * ```
 */
export function clean(text: string, length: number = DEFAULT_LENGTH): string {
  // Cut before cleaning, so that a megabyte costs no more than what will be shown.
  const bounded = text.slice(0, length * 4)
  const tidy = bounded.replace(UNSAFE, ' ').replace(/\s+/gu, ' ').trim()
  if (tidy.length <= length && bounded.length === text.length) return tidy
  return `${tidy.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/u, '')}…`
}
