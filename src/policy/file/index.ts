export { loadPolicy } from './load.js'
export { policyJsonSchema } from './schema.js'
export { parsePolicyText } from './text.js'
export { parseYaml, type Yaml, yamlValue } from './yaml.js'
