export { loadPolicy } from './load.js'
export { parsePolicyText, policyJsonSchema } from './text.js'
export { parseYaml, type Yaml, yamlValue } from './yaml.js'
