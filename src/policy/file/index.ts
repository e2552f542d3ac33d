export { loadPolicy } from './load.js'
export { policyJsonSchema } from './schema.js'
export { parsePolicyText } from './text.js'
