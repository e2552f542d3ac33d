export { mayUse } from './bounds.js'
export { checkAgainstWallets } from './contradictions.js'
export type { DelegatedRule } from './delegated-rules.js'
export { type DelegationPlan, planDelegation } from './delegation.js'
export type {
  ApprovalDocument,
  ApproverDocument,
  AskDocument,
  BudgetDocument,
  Duration,
  Money,
  PolicyDocument,
  RepeatDocument,
  RulesDocument,
  VendorDocument,
} from './document.js'
export { operationPattern } from './paths.js'
export { createPolicy, documentOf } from './policy.js'
export { counterKey, inScope, taskKeys } from './scope.js'
export { explain, shortfalls } from './tell.js'
export { asAgreed, noBetter, noWorse, termsKey } from './terms.js'
export {
  type ApprovalSettings,
  type ApproverKey,
  type Bounds,
  type BudgetLine,
  type Context,
  type CounterClaim,
  type Decision,
  type Dimension,
  type Dimensions,
  type Facts,
  type Fee,
  type Grant,
  type Payee,
  type Policy,
  type PreviousPurchase,
  railOf,
  type Scope,
  type Terms,
} from './types.js'
export { windowOf } from './window-of.js'
export type { Calendar, Weekday } from './windows.js'
