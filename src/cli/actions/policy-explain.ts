import { type OpenedView, placeOfRule, placesIn } from '../../config/index.js'
import type { Budget } from '../../index.js'
import { formatUnits } from '../../money/index.js'
import { unitsFact } from '../facts.js'
import { findPayment } from '../find-payment.js'
import { environmentOf, operand, withView } from '../ledger-reading.js'
import { misuse } from '../misuse.js'
import { shownPath } from '../open-purser.js'
import { given } from '../payment-facts.js'
import { linesText } from '../payment-story.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'

/** The options of `purser policy explain`. */
export interface ExplainOptions extends CommonOptions {
  readonly agent?: string | undefined
  readonly request: string
}

type ExplainFact = JsonOf<'policy explain'>
type RuleFact = ExplainFact['rules'][number]

/** Tells what each rule says about a payment, or about a URL. */
export const policyExplain: Action<ExplainOptions> = async ({ args, options, terminal }) => {
  const subject = operand(args)
  const json = await withView(options, terminal, (opened) =>
    subject.includes('://') ? explainUrl(opened, subject, options) : explainPayment(opened, subject),
  )
  const { policy } = await placesIn(environmentOf(options, terminal))
  const file = policy === undefined ? '' : shownPath(policy, terminal.env)
  return { kind: 'single', json, text: (style) => linesText(linesOf(json, file), style) }
}

type Loaded = Awaited<ReturnType<OpenedView['policy']>>

async function explainPayment(opened: OpenedView, id: string): Promise<ExplainFact> {
  const policy = await opened.policy()
  const payment = await findPayment(opened, id)
  const { agent, tasks } = payment.context
  const { vendor, operation } = payment.resource
  const says = { deny: 'refuses', ask: 'asks', allow: 'allows' } as const
  const decided = payment.reasons.map(({ rule, message }) => ({
    rule,
    // A refused payment has the reasons of the rules that would have asked, too.
    says: payment.effect === 'deny' && isQuestion(rule) ? ('asks' as const) : says[payment.effect],
    message,
  }))
  const limits = await budgetsOn(opened, policy, { agent, tasks, vendor })
  return {
    of: payment.id,
    agent,
    vendor,
    operation,
    effect: payment.effect,
    changed: payment.policy !== policy.hash,
    rules: await placed(opened, vendor, [...decided, ...limits]),
  }
}

function isQuestion(rule: string): boolean {
  return /(^|\.)(ask\.|unlisted$)/.test(rule)
}

async function explainUrl(
  opened: OpenedView,
  text: string,
  { agent = opened.places.agent, request: method }: ExplainOptions,
): Promise<ExplainFact> {
  const policy = await opened.policy()
  await policy.ready()
  const { origin: vendor, pathname: path } = urlOf(text)
  const operation = `${method} ${path}`
  const resource = { transport: 'http', vendor, operation, address: vendor + path, method, path } as const
  const context = { agent, tasks: [] }
  const refusals = policy.objections(resource, context)
  const { maxPrice, maxFee } = policy.bounds(resource, context)
  const money = (units: bigint) => formatUnits(units, policy.symbol)
  const limits: readonly (RuleFact | undefined)[] = [
    maxPrice === undefined
      ? undefined
      : { rule: 'perPayment', says: 'limits', message: `One payment may cost at most ${money(maxPrice)}.` },
    maxFee === undefined
      ? undefined
      : { rule: 'maxFee', says: 'limits', message: `One fee may cost at most ${money(maxFee)}.` },
  ]
  const rules: readonly RuleFact[] =
    refusals.length > 0
      ? refusals.map(({ rule, message }) => ({ rule, says: 'refuses', message }))
      : [
          { rule: 'vendors', says: 'allows', message: `${vendor} may be paid inside these limits.` },
          ...limits.filter((limit) => limit !== undefined),
          ...(await budgetsOn(opened, policy, { agent, tasks: [], vendor })),
        ]
  return {
    of: text,
    agent,
    vendor,
    operation,
    ...(refusals.length > 0 ? { effect: 'deny' as const } : {}),
    changed: false,
    rules: await placed(opened, vendor, rules),
  }
}

function urlOf(text: string): URL {
  try {
    return new URL(text)
  } catch {
    throw misuse(`${JSON.stringify(text)} is not a URL`)
  }
}

/** Returns the budgets in which a payment of this agent to this vendor would count. */
async function budgetsOn(
  { view }: OpenedView,
  policy: Loaded,
  {
    agent,
    tasks,
    vendor,
  }: { readonly agent: string; readonly tasks: readonly string[]; readonly vendor: string },
): Promise<readonly RuleFact[]> {
  const budgets = await view.budgets(policy, { agent, tasks })
  return budgets
    .filter(
      ({ scope }) => scope.vendor === undefined || scope.vendor === vendor || scope.vendor.includes('*'),
    )
    .map(({ rule, counts, message, remaining }) => ({
      rule,
      says: 'limits',
      message: `${message}.`,
      left: leftOf(counts, remaining, policy.symbol),
    }))
}

function leftOf(counts: Budget['counts'], remaining: bigint, symbol: string): RuleFact['left'] {
  return counts === 'payments' ? Number(remaining) : unitsFact(remaining, symbol)
}

/** Adds the place of each rule in the policy file. */
function placed(
  { places: { policy } }: OpenedView,
  vendor: string,
  rules: readonly RuleFact[],
): Promise<RuleFact[]> {
  return Promise.all(
    rules.map(async (rule) => {
      const place = policy === undefined ? undefined : await placeOfRule(policy, rule.rule, vendor)
      return { ...rule, ...given({ path: place?.path, line: place?.line }) }
    }),
  )
}

function linesOf({ of, agent, operation, vendor, effect, changed, rules }: ExplainFact, policy: string) {
  const decision = { allow: 'allowed', ask: 'a person must approve', deny: 'refused' } as const
  return [
    ['of', of],
    ['what', `${operation} at ${vendor} by agent ${agent}`],
    ['decision', effect === undefined ? 'depends on the price: purser quote asks for it' : decision[effect]],
    ...(changed ? [['note', 'The policy has changed since this decision.'] as const] : []),
    ...rules.map(
      ({ rule, says, message, line }) =>
        [says, `${rule}: ${message}${line === undefined ? '' : ` (${policy}, line ${line})`}`] as const,
    ),
  ] as const
}
