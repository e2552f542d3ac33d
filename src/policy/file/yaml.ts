import { LineCounter, parseDocument, visit } from 'yaml'

const MOST_ALIASES = 100

/** A parsed text in YAML or JSON. */
export interface Yaml {
  readonly document: ReturnType<typeof parseDocument>
  readonly lines: LineCounter
  /** Its first syntax error. */
  readonly problem: ReturnType<typeof parseDocument>['errors'][number] | undefined
  /** The line and the column of that error, from 1. */
  readonly line: number
  readonly column: number
}

/**
 * Parses a text as YAML 1.2, which includes JSON.
 *
 * @param numeral - Converts a number from its written text, before it can be rounded.
 * @param more - `merge`: `<<` copies the keys of an alias.
 */
export function parseYaml(
  text: string,
  numeral: (text: string) => unknown,
  more: { readonly merge?: true } = {},
): Yaml {
  const lines = new LineCounter()
  const document = parseDocument(text.replace(/^\uFEFF/, ''), {
    lineCounter: lines,
    schema: 'core',
    version: '1.2',
    uniqueKeys: true,
    stringKeys: true,
    prettyErrors: false,
    ...more,
  })
  visit(document, {
    Scalar: (key, node) => {
      if (key !== 'key' && typeof node.value === 'number')
        node.value = numeral(node.source ?? String(node.value))
    },
  })
  const [problem] = [...document.errors, ...document.warnings]
  const { line, col } = problem === undefined ? { line: 0, col: 0 } : lines.linePos(problem.pos[0])
  return { document, lines, problem, line, column: col }
}

/**
 * Returns the value of the document.
 *
 * @throws The parser's error for aliases that do not resolve or that expand too far.
 */
export function yamlValue({ document }: Yaml): unknown {
  return document.toJS({ maxAliasCount: MOST_ALIASES })
}
