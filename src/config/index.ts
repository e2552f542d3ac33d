export { backupLedger, restoreLedger } from '../ledger/sqlite/index.js'
export { loadPolicy as loadPolicyFile } from '../policy/file/index.js'
export {
  type Delegation,
  type KeyOwner,
  type KeyPlace,
  keyInFile,
  keyOwner,
  keysOf,
  type TempoKey,
} from './access-keys.js'
export { AGENT_KEY_TYPES, type AgentKeyName, type AgentKeyType, newAgentKey } from './agent-key.js'
export { othersMayUse } from './file-mode.js'
export {
  type InspectedSettings,
  inspectSettings,
  type PolicySummary,
  summarizePolicy,
} from './inspect.js'
export { notifyFreeze, testNotifications } from './notify.js'
export { placeOfRule, type RulePlace } from './rule-line.js'
export {
  type Configured,
  createFromEnvironment,
  type Manager,
  openManager,
  startFromEnvironment,
} from './start.js'
export type { Environment } from './variables.js'
export {
  agentsIn,
  confirmClockOf,
  type OpenedView,
  openToStop,
  openViewFromEnvironment,
  type Places,
  placesIn,
  takesOutsideAnswers,
} from './view.js'
