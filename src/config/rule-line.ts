import { readFile } from 'node:fs/promises'
import { type Document, isMap, isNode, isSeq } from 'yaml'
import { parseYaml, type Yaml } from '../policy/file/index.js'

/** The place of a rule in a policy file. */
export interface RulePlace {
  /** For example `vendors[0].perPayment`. */
  readonly path: string
  readonly line: number
}

type Path = readonly (string | number)[]

/**
 * Finds the place of a rule in a policy file, so that a refusal can name the line.
 *
 * @param rule - The rule of a reason: `perPayment`, `vendor.perPayment`, `budget.day`.
 * @param vendor - The origin that was called.
 * @returns Undefined if the file has no such place.
 */
export async function placeOfRule(
  file: string,
  rule: string,
  vendor: string | undefined,
): Promise<RulePlace | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const yaml = parseYaml(text, (numeral) => numeral)
  const path = yaml.problem === undefined ? pathOf(yaml.document, rule, vendor) : undefined
  const line = path === undefined ? undefined : lineOf(yaml, path)
  return path === undefined || line === undefined ? undefined : { path: shown(path), line }
}

function pathOf(document: Document, rule: string, vendor: string | undefined): Path | undefined {
  const [, agent, rest = rule] =
    /^agents\.(.+?)\.((?:vendor|budget|payments|ask|per|max|dep).*)$/.exec(rule) ?? []
  const base: Path = agent === undefined ? [] : ['agents', agent]
  const [head = '', ...more] = rest.split('.')
  if (head === 'vendor') {
    const at = indexIn(document, [...base, 'vendors'], (get) => get('origin') === vendor)
    return at === undefined ? undefined : [...base, 'vendors', at, ...more.slice(0, 1)]
  }
  if (head === 'budget' || head === 'payments') {
    const [per, each] = more
    const counts = head === 'budget' ? 'limit' : 'payments'
    const at = indexIn(
      document,
      [...base, 'budgets'],
      (get) => get('per') === per && get('each') === each && get(counts) !== undefined,
    )
    return at === undefined ? undefined : [...base, 'budgets', at]
  }
  const path = head === 'ask' ? [...base, head, ...more.slice(0, 1)] : [...base, head]
  return document.hasIn(path) ? path : document.hasIn([...base, head]) ? [...base, head] : undefined
}

/** Returns the index of the first entry of a list that matches. */
function indexIn(
  document: Document,
  path: Path,
  matches: (get: (name: string) => unknown) => boolean,
): number | undefined {
  const list = document.getIn(path, true)
  if (!isSeq(list)) return undefined
  const at = list.items.findIndex((item) => isMap(item) && matches((name) => item.get(name)))
  return at < 0 ? undefined : at
}

function lineOf({ document, lines }: Yaml, path: Path): number | undefined {
  const node = document.getIn(path, true)
  const offset = isNode(node) ? node.range?.[0] : undefined
  return offset === undefined ? undefined : lines.linePos(offset).line
}

function shown(path: Path): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`))
    .join('')
}
