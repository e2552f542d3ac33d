import { clean } from '../errors/index.js'
import type { PayingInit, QuotedOffer } from '../index.js'
import type { SingleAnswer } from './answer.js'
import { misuse } from './misuse.js'
import type { OpenedPurser } from './open-purser.js'
import { priceFact } from './price.js'
import type { ReadRequest } from './request.js'
import type { JsonOf } from './schemas.js'
import type { Style } from './style.js'
import { table } from './table.js'

type Quote = JsonOf<'quote'>

/**
 * Asks for the price of a call and the decision of policy. Signs nothing.
 *
 * @param how - `send`: a method with side effects may be sent, unpaid.
 */
export async function quoteAnswer(
  { url, init }: ReadRequest,
  how: { readonly send: boolean; readonly payment: NonNullable<PayingInit['payment']> },
  { purser, policy }: OpenedPurser,
): Promise<SingleAnswer> {
  const { send, payment } = how
  if (!send && init.method !== 'GET' && init.method !== 'HEAD')
    throw misuse(`A price is asked for by a real ${init.method}, unpaid. If that is wanted, add --send`)
  const { reply, offers, unpayable } = await purser.quote(url, { ...init, payment }, { send })
  await reply.body?.cancel()
  const json: Quote = {
    url: url.href,
    status: reply.status,
    offers: offers.map((offer) => offerFact(offer, policy)),
    unpayable: unpayable.map((one) => clean(one)),
  }
  return { kind: 'single', json, text: (style) => quoteText(json, style) }
}

function offerFact(
  { terms, decision, fits }: QuotedOffer,
  policy: OpenedPurser['policy'],
): Quote['offers'][number] {
  return {
    price: priceFact(terms.most, policy),
    exact: terms.exact,
    ...(terms.fee === undefined ? {} : { fee_most: priceFact(terms.fee.bound, policy) }),
    ...(terms.locks === undefined ? {} : { deposit: priceFact(terms.locks, policy) }),
    method: terms.kind,
    network: terms.network,
    payees: terms.payees.map(({ id }) => id),
    decision: decision.effect,
    fits,
    reasons: decision.reasons.map(({ rule, message }) => ({ rule, message: clean(message, 600) })),
  }
}

function quoteText({ status, offers, unpayable }: Quote, style: Style): string {
  if (offers.length === 0 && unpayable.length === 0)
    return status === 402 ? 'The server asks for money, and offers no way to pay.' : `free (status ${status})`
  const rows = offers.map(({ price, exact, fee_most, method, decision, fits, reasons }) => [
    `  ${exact ? '' : 'up to '}${price.value} ${price.currency}`,
    method,
    fee_most === undefined ? 'no fee' : `fee up to ${fee_most.value}`,
    decisionText(decision, fits, reasons),
  ])
  const columns = [{ title: '' }, { title: '' }, { title: '' }, { title: '', cut: true }] as const
  const shown = rows.length === 0 ? [] : [table(columns, rows, style).replace(/^\s*\n/, '')]
  return [...shown, ...unpayable.map((one) => `  ${one}`)].join('\n')
}

function decisionText(
  decision: Quote['offers'][number]['decision'],
  fits: boolean,
  reasons: Quote['offers'][number]['reasons'],
): string {
  const why = reasons.map(({ message }) => message).join(' ')
  if (decision === 'deny') return `refused: ${why}`
  if (!fits) return 'no budget left for it'
  return decision === 'ask' ? `waits for a person: ${why}` : 'allowed'
}
