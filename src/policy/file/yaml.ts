import { LineCounter, parseDocument, visit } from 'yaml'

/** How often aliases may multiply what they stand for. */
const MOST_ALIASES = 100

/** A text in YAML or JSON, taken apart. */
export interface Yaml {
  readonly document: ReturnType<typeof parseDocument>
  readonly lines: LineCounter
  /** The first thing that is wrong with it. */
  readonly problem: ReturnType<typeof parseDocument>['errors'][number] | undefined
  /** The line of that. */
  readonly line: number
}

/**
 * Takes a text apart by YAML 1.2, which JSON is a part of.
 *
 * @param numeral - What a number becomes, by the text that it was written as: before anything can round it.
 * @param more - `merge`: `<<` takes the keys of an alias.
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

/** @throws what the parser throws for aliases that cannot be followed, or that stand for too much. */
export function yamlValue({ document }: Yaml): unknown {
  return document.toJS({ maxAliasCount: MOST_ALIASES })
}
