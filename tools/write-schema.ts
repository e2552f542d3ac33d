import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { policyJsonSchema } from '../src/policy/file/index.js'

// Writes the JSON Schema of policy documents: `tsx tools/write-schema.ts dist/policy.schema.json`.
const [, , path] = process.argv
if (path === undefined) throw new TypeError('Say where to: tsx tools/write-schema.ts dist/policy.schema.json')
mkdirSync(dirname(path), { recursive: true })
writeFileSync(path, `${JSON.stringify(policyJsonSchema(), null, 2)}\n`)
