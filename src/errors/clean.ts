/** The default length limit of one text from a server, in characters: enough for a sentence. */
const DEFAULT_LENGTH = 300

// C0 and C1 controls (ANSI escapes start with one), bidirectional controls, zero-width and other format characters,
// line and paragraph separators, lone surrogates: none of these belongs in a log or a terminal.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]+/gu

/**
 * Cleans a text from a server for display: one line, limited length, no control or bidirectional characters.
 *
 * @example
 * ```ts
 * clean('pay\u001b[2J now\u202e') // 'pay [2J now'
 * ```
 */
export function clean(text: string, length: number = DEFAULT_LENGTH): string {
  // Cut before cleaning, so that a text of a megabyte costs no more than the part that is shown.
  const bounded = text.slice(0, length * 4)
  const tidy = bounded.replace(UNSAFE, ' ').replace(/\s+/gu, ' ').trim()
  if (tidy.length <= length && bounded.length === text.length) return tidy
  return `${tidy.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/u, '')}…`
}
