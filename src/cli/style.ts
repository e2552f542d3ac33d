import { styleText } from 'node:util'
import type { Writer } from './terminal.js'

/** A color or a weight of text on a terminal. */
export type Color = 'bold' | 'dim' | 'green' | 'red' | 'yellow'

/** How text for people is printed. */
export interface Style {
  /** The number of characters in a line. */
  readonly width: number
  /** Colors a text. Without colors, it returns the text. */
  color(color: Color, text: string): string
}

const DEFAULT_WIDTH = 80

/** Returns the style of an output stream. Colors are only for terminals, and `NO_COLOR` and `--no-color` turn them off. */
export function styleOf(
  { isTTY, columns }: Writer,
  { color, env }: { readonly color: boolean; readonly env: Readonly<Record<string, string | undefined>> },
): Style {
  const colored = color && isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  return {
    width: Math.max(columns ?? DEFAULT_WIDTH, 40),
    color: (name, text) => (colored ? styleText(name, text) : text),
  }
}
