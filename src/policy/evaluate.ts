import { clean, type Reason } from '../errors/index.js'
import { defined, own } from '../util/objects.js'
import { approvalSettingsOf } from './bounds.js'
import { budgetClaims, depositClaims, mergeClaims } from './claims.js'
import { dimensionsOf, type Evaluation, type Findings } from './evaluation.js'
import type { Layers } from './layers.js'
import { judgePayees } from './payees.js'
import { judgeRepeat } from './repeat.js'
import { judgeAsks, judgeCurrency, judgePrice, judgeRail, judgeTransport, judgeVendor } from './rules.js'
import { tooLarge } from './tell.js'
import { noBetter } from './terms.js'
import type { CounterClaim, Decision, Grant } from './types.js'

/**
 * Evaluates a payment against every layer; all layers must allow it. Pure: the same input gives the same decision.
 *
 * @param layers - The document first, then the rules of the agent.
 * @param objections - Reasons to deny that were found earlier: an agent that is not named, or wildcards that are not
 *   checked yet.
 */
export function evaluate(
  layers: Layers,
  judged: Evaluation,
  hash: string,
  objections: readonly Reason[],
): Decision {
  const found: Findings = { deny: [...objections], ask: [], unasked: [], claims: [] }
  judgeTransport(layers[0], judged, found)
  judgeCurrency(judged, found)
  for (const layer of layers) {
    judgeVendor(layer, judged, found)
    judgeRail(layer, judged, found)
    judgePrice(layer, judged, found)
    judgeAsks(layer, judged, found)
    found.claims.push(...budgetClaims(layer, judged), ...depositClaims(layer, judged))
  }
  const payees = judgePayees(layers, judged, found)
  judgeLock(judged, found)
  judgeEscrow(layers, judged, found)
  judgeDenied(layers, judged, found)
  const repeat = judgeRepeat(layers, judged, found)
  const claims = mergeClaims(found.claims)
  for (const claim of claims)
    if (claim.amount > claim.limit) found.deny.push(tooLarge(claim, judged.policyScope.symbol, judged.units))
  return decide(layers, judged, found, claims, { payees, repeat }, hash)
}

function decide(
  layers: Layers,
  judged: Evaluation,
  found: Findings,
  claims: readonly CounterClaim[],
  { payees, repeat }: { readonly payees: Decision['payees']; readonly repeat: Decision['repeat'] },
  hash: string,
): Decision {
  const { facts, units, policyScope } = judged
  const isAsked = found.deny.length === 0 && found.ask.length > 0
  // A remembered approval is not signed, so it does not count if only signed answers do.
  const grant = isAsked && approvalSettingsOf(layers).by === undefined ? findGrant(judged) : undefined
  // If nobody may be asked, a payment that needs approval is denied.
  if (found.ask.length > 0 && grant === undefined) found.deny.push(...found.unasked)
  const effect: Decision['effect'] =
    found.deny.length > 0 ? 'deny' : found.ask.length > 0 && grant === undefined ? 'ask' : 'allow'
  const remembered = grant === undefined ? [] : [grantReason(grant)]
  const decision: Decision = defined({
    effect,
    reasons: Object.freeze([...inOrder(found.deny), ...inOrder(found.ask), ...remembered]),
    claims: Object.freeze(grant === undefined ? claims : [...claims, ...grantClaim(grant, judged)]),
    dimensions: Object.freeze(dimensionsOf(judged, grant?.id)),
    units: units?.total,
    price: units?.price,
    unit: policyScope.unit,
    payees,
    facts: facts.version,
    at: facts.now,
    policy: hash,
    grant: grant?.id,
    repeat,
  })
  return Object.freeze(decision)
}

/** Sorts reasons, so that the order of rules in the document does not matter, and removes duplicates. */
function inOrder(reasons: readonly Reason[]): readonly Reason[] {
  if (reasons.length < 2) return reasons
  const byMessage = new Map(reasons.map((reason) => [`${reason.rule} ${reason.message}`, reason]))
  return [...byMessage].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, reason]) => reason)
}

function judgeLock({ units, policyScope, terms }: Evaluation, found: Findings): void {
  if (terms.locks === undefined || units === undefined || units.lock === 0n || policyScope.unlimited) return
  // The limit must be the document's: rules of an agent only restrict, so they cannot allow deposits.
  if (found.claims.some(({ counts, scope }) => counts === 'lock' && scope.agent === undefined)) return
  found.deny.push({
    rule: 'deposits',
    message: 'This payment would lock up a deposit, and no rule says how much may be locked up.',
  })
}

/**
 * Denies an escrow contract of a third party unless the document names it, because such a contract can keep the
 * deposit. Every matching entry that names escrows must name it.
 */
function judgeEscrow(layers: Layers, { terms: { escrow }, listings }: Evaluation, found: Findings): void {
  if (escrow === undefined) return
  for (const layer of layers) {
    const lists = (listings.get(layer)?.entries ?? []).flatMap(({ escrows }) => (escrows ? [escrows] : []))
    if (lists.length === 0 && layer.ofAgent) continue
    if (lists.length > 0 && lists.every((escrows) => escrows.includes(escrow))) continue
    found.deny.push(
      defined({
        rule: `${layer.prefix}escrows`,
        limit: lists.flat().join(', ') || undefined,
        asked: escrow,
        message: `${escrow} is not the network's own escrow, and may hold a deposit only if the policy names it.`,
      }),
    )
  }
}

function judgeDenied(layers: Layers, { facts, terms, resource }: Evaluation, found: Findings): void {
  if (facts.denied.some((denied) => noBetter(terms, denied)))
    found.deny.push({
      rule: 'denied',
      message: 'A person denied this a few minutes ago, on the same or better terms.',
    })
  if (facts.denials === 0) return
  const { perVendor } = approvalSettingsOf(layers)
  if (facts.denials >= perVendor)
    found.unasked.push({
      rule: 'approval.perVendor',
      limit: `${perVendor}`,
      message: `A person denied ${facts.denials} payments to ${resource.vendor} in the last ten minutes, so Purser does not ask about another.`,
    })
}

/**
 * Finds a remembered approval that covers this payment. An approval can answer an `ask`; it never overrides a denial.
 */
function findGrant({
  facts,
  policyScope,
  context,
  resource,
  rail,
  terms,
  units,
}: Evaluation): Grant | undefined {
  if (units === undefined) return undefined
  return facts.grants
    .filter(
      (grant) =>
        grant.agent === context.agent &&
        grant.vendor === resource.vendor &&
        grant.rail === rail &&
        grant.unit === policyScope.unit &&
        grant.until > facts.now &&
        units.total <= grant.upTo &&
        units.total <= grant.total &&
        (terms.payees.length > 0 || grant.payees.length === 0) &&
        terms.payees.every(({ id }) => grant.payees.includes(id)),
    )
    .sort((a, b) => (a.id < b.id ? -1 : 1))[0]
}

function grantReason({ by }: Grant): Reason {
  return { rule: 'grant', message: `A remembered approval by ${clean(by, 60)} covers this.` }
}

function grantClaim(grant: Grant, { units, policyScope }: Evaluation): readonly CounterClaim[] {
  if (units === undefined || units.total === 0n) return []
  // The approval's own budget. It does not depend on the name of the policy that evaluates the payment.
  const scope = own({ grant: grant.id, unit: policyScope.unit })
  const counted = { counts: 'spend', window: 'ever', from: 0, at: 0, rule: 'grant' } as const
  return [own({ ...counted, scope, amount: units.total, limit: grant.total })]
}
