import { isCollection, isNode, isScalar } from 'yaml'
import { clean, PaymentError } from '../../errors/index.js'
import { documentShape } from '../fields.js'
import { policyOf } from '../policy.js'
import { type Locate, readDocument } from '../read.js'
import { type JsonSchema, Numeral, type Path } from '../shape.js'
import type { Policy } from '../types.js'
import { parseYaml, type Yaml, yamlValue } from './yaml.js'

/** The size limit of a policy file: enough for more than ten thousand vendors. */
const LARGEST = 8 * 1024 * 1024

/**
 * Parses a policy from text in YAML or JSON. Amounts are read digit by digit from their numerals, so `0.10` needs no
 * quotes.
 *
 * @param source - The name of the text in errors, such as its file name.
 * @throws PaymentError `invalid_policy`: it says what is wrong, where (path and line), and how to fix it.
 * @see docs/policy.md
 * @example
 * ```ts
 * const policy = parsePolicyText('{ perPayment: 0.10, budgets: [{ limit: 5, per: day }], vendors: [] }')
 * ```
 */
export function parsePolicyText(text: string, source = 'The policy'): Policy {
  if (text.length > LARGEST) throw unreadable(source, 'is too large to be a policy')
  if (text.trim() === '') throw unreadable(source, 'is empty')
  const yaml = parseYaml(text, (numeral) => new Numeral(numeral), { merge: true })
  const { problem, line, column } = yaml
  if (problem !== undefined)
    throw unreadable(
      source,
      `cannot be read as YAML or JSON (line ${line}, column ${column}): ${faultOf(problem, text)}`,
      problem,
    )
  return policyOf(readDocument(toValue(yaml, source), locator(yaml), source))
}

function faultOf({ code, message, pos: [from, to] }: NonNullable<Yaml['problem']>, text: string): string {
  if (code !== 'DUPLICATE_KEY') return clean(message)
  const name = /^["']?([^"'\s:#]{1,60})/.exec(text.slice(from, Math.max(to, from + 64)))?.[1] ?? ''
  return `the key ${clean(name, 60)} appears twice. Remove one of them`
}

function toValue(yaml: Yaml, source: string): unknown {
  try {
    return yamlValue(yaml)
  } catch (cause) {
    throw unreadable(source, 'has aliases that do not resolve, or expand too far', cause)
  }
}

/** Creates a function that finds the line and column of a path, or of its nearest parent. */
function locator({ document, lines }: Yaml): Locate {
  return (path: Path) => {
    for (let length = path.length; length >= 0; length--) {
      const offset = offsetOf(document, path.slice(0, length))
      if (offset === undefined) continue
      const { line, col } = lines.linePos(offset)
      return ` (line ${line}, column ${col})`
    }
    return ''
  }
}

function offsetOf(document: Yaml['document'], path: Path): number | undefined {
  const last = path.at(-1)
  const around = path.length < 2 ? document.contents : document.getIn(path.slice(0, -1), true)
  if (isCollection(around) && typeof last === 'string') {
    // A value may start lines below its key; people look for the key.
    for (const item of around.items) {
      if (!isNode(item) && typeof item === 'object' && item !== null && 'key' in item) {
        const { key } = item
        if (isScalar(key) && key.value === last) return key.range?.[0]
      }
    }
    return undefined
  }
  const node = path.length === 0 ? document.contents : document.getIn(path, true)
  return isNode(node) ? node.range?.[0] : undefined
}

export function unreadable(source: string, what: string, cause?: unknown): PaymentError {
  const message = `${source} ${what}.`
  const reasons = [{ rule: 'the document', message }]
  const details = cause === undefined ? { reasons } : { reasons, cause }
  return new PaymentError('invalid_policy', 'untouched', message, details)
}

/**
 * Returns the JSON Schema (2020-12) of policy documents, for editors and checks. The parser uses the same definition.
 * Checks that involve several rules, such as a missing limit, are made by `createPolicy` only.
 *
 * @see docs/policy.md
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises'
 *
 * await writeFile('policy.schema.json', JSON.stringify(policyJsonSchema(), null, 2))
 * ```
 */
export function policyJsonSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Purser policy',
    ...documentShape.schema(),
  }
}
