import { clean } from '../errors/index.js'
import type { Approval } from '../index.js'
import { timeFact, unitsFact } from './facts.js'
import { type PolicyUnit, priceFact } from './price.js'
import type { JsonOf } from './schemas.js'
import { inText, moneyText, spanText, vendorText } from './words.js'

/** A question to a person, as JSON shows it. */
export type ApprovalFact = JsonOf<'approvals'>

/** The number of characters of an id that a table shows. An id begins with its time, so a table shows its end. */
const SHOWN = 6

/** Returns the facts that a person must know to answer a question. */
export function approvalFact(approval: Approval, unit: PolicyUnit): ApprovalFact {
  const { id, payment, state, live, agent, tasks, tool, resource, terms, reasons, serverSays } = approval
  const { budgets = [], askedAt, expires, termsHash, answer, usedBy } = approval
  return {
    id,
    payment,
    state,
    live,
    agent,
    tasks: [...tasks],
    ...(tool === undefined ? {} : { tool }),
    vendor: resource.vendor,
    operation: clean(resource.operation),
    price: priceFact(terms.most, unit),
    exact: terms.exact,
    ...(terms.fee === undefined ? {} : { feeAtMost: priceFact(terms.fee.bound, unit) }),
    ...(terms.locks === undefined ? {} : { deposit: priceFact(terms.locks, unit) }),
    method: terms.kind,
    network: clean(terms.network, 100),
    payees: terms.payees.map((payee) => ({
      id: clean(payee.id, 200),
      amount: priceFact(payee.amount, unit),
    })),
    reasons: reasons.map(({ rule, message }) => ({ rule, message: clean(message, 600) })),
    ...(serverSays === undefined ? {} : { serverSays: clean(serverSays) }),
    after: budgets
      .filter(({ counts }) => counts === 'spend')
      .map(({ rule, remaining }) => ({ rule, left: leftFact(remaining, unit) })),
    asked: timeFact(askedAt),
    expires: timeFact(expires),
    termsHash,
    ...(answer === undefined
      ? {}
      : {
          answer: {
            approved: answer.approved,
            by: clean(answer.by, 100),
            at: timeFact(answer.at),
            signed: answer.proof !== undefined,
            ...(answer.note === undefined ? {} : { note: clean(answer.note) }),
          },
        }),
    ...(usedBy === undefined ? {} : { usedBy }),
  }
}

function leftFact(units: bigint, { symbol }: PolicyUnit) {
  return unitsFact(units > 0n ? units : 0n, symbol)
}

/** Returns the end of an id, which a table shows and which every command takes. */
export function shortId(id: string): string {
  return id.slice(-SHOWN)
}

/** The row of a question in the table. */
export function approvalRow(fact: ApprovalFact, now: number): readonly string[] {
  return [
    shortId(fact.id),
    spanText(now - Date.parse(fact.asked)),
    fact.agent,
    shortPays(fact),
    `${vendorText(fact.vendor)} ${fact.operation}`,
    fact.reasons.map(({ message }) => message).join(' '),
    fact.state === 'waiting' ? inText(Date.parse(fact.expires), now) : fact.state,
  ]
}

/** `1.80 USD +0.001 fee`: a fee is its highest amount. */
function shortPays({ price, feeAtMost }: ApprovalFact): string {
  return `${moneyText(price)} ${price.currency}${feeAtMost === undefined ? '' : ` +${moneyText(feeAtMost)} fee`}`
}
