export type { DelegateOptions, Delegation } from '../client/index.js'
export type { Rates } from '../money/index.js'
export { loadPolicy, parsePolicyText, policyJsonSchema } from '../policy/file/index.js'
export {
  type ApprovalDocument,
  type ApprovalSettings,
  type ApproverDocument,
  type ApproverKey,
  type AskDocument,
  type BudgetDocument,
  type BudgetLine,
  type Calendar,
  type Context,
  createPolicy,
  type Decision,
  type DelegatedRule,
  type Duration,
  explain,
  type Money,
  type Policy,
  type PolicyDocument,
  type RepeatDocument,
  type RulesDocument,
  type Terms,
  type VendorDocument,
  type Weekday,
} from '../policy/index.js'
