import { styleText } from 'node:util'

const WIDTH = 100
const LABEL = 11
const coloured = process.stdout.isTTY === true && !process.env['NO_COLOR']

type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan'

/** Text in a colour, on a terminal that may have colours. */
export function paint(style: Style, text: string): string {
  return coloured ? styleText(style, text) : text
}

let acts = 0

/** The heading of an act. */
export function act(title: string): void {
  acts++
  console.log(`\n${paint('bold', `${acts}  ${title}`)}`)
}

/** A line of what happens; long texts go on in the column they began in. */
export function line(label: string, text: string, style?: Style): void {
  const [first = '', ...more] = wrap(text, WIDTH - LABEL - 4)
  const shown = (part: string): string => (style === undefined ? part : paint(style, part))
  console.log(`   ${paint('dim', label.padEnd(LABEL))} ${shown(first)}`)
  for (const part of more) console.log(`   ${' '.repeat(LABEL)} ${shown(part)}`)
}

/** A table below the lines of an act; the last column may be of any width. */
export function table(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  for (const [index, row] of rows.entries()) {
    const text = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
    console.log(`   ${index === 0 ? paint('dim', text.trimEnd()) : text.trimEnd()}`)
  }
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
