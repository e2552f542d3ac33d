import { documentShape } from '../fields.js'
import type { JsonSchema } from '../shape.js'

/**
 * The JSON Schema (2020-12) of policy documents, for editors and checks. It comes from the definition that the parser
 * uses. What only makes sense of several rules together (a missing limit, say) is checked by `createPolicy` alone.
 *
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
