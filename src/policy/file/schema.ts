import { documentShape } from '../fields.js'
import type { JsonSchema } from '../shape.js'

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
