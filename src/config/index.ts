export { placeOfRule, type RulePlace } from './rule-line.js'
export { type Configured, createFromEnvironment, startFromEnvironment } from './start.js'
export type { Environment } from './variables.js'
export { agentsIn, type OpenedView, openViewFromEnvironment, type Places, placesIn } from './view.js'
