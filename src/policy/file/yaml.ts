import { LineCounter, parseDocument, visit } from 'yaml'

const MOST_ALIASES = 100

/** A parsed text in YAML or JSON. */
export interface Yaml {
  readonly document: ReturnType<typeof parseDocument>
  readonly lines: LineCounter
  /** Its first syntax error. */
  readonly problem: ReturnType<typeof parseDocument>['errors'][number] | undefined
  /** The line of that error. */
  readonly line: number
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
  return { document, lines, problem, line: problem === undefined ? 0 : lines.linePos(problem.pos[0]).line }
}

/**
 * Returns the value of the document.
 *
 * @throws The parser's error for aliases that do not resolve or that expand too far.
 */
export function yamlValue({ document }: Yaml): unknown {
  return document.toJS({ maxAliasCount: MOST_ALIASES })
}
