export { loadPolicy, parsePolicyText, policyJsonSchema } from '../policy/file/index.js'
export {
  type ApprovalDocument,
  type ApprovalSettings,
  type AskDocument,
  type BudgetDocument,
  type Calendar,
  createPolicy,
  type Decision,
  type Duration,
  type Money,
  type Policy,
  type PolicyDocument,
  type RepeatDocument,
  type RulesDocument,
  type VendorDocument,
  type Weekday,
} from '../policy/index.js'
export { explain } from '../policy/tell.js'
