import { clean } from '../errors/index.js'
import type { Approval, Payment } from '../ledger/index.js'
import { type Amount, count, formatAmount, formatDecimal, UNIT_DECIMALS } from '../money/index.js'
import type { PurserEvents } from '../pay/index.js'
import { randomId } from '../util/random-id.js'

/** The events that people can be told about. */
export const NOTIFIED_EVENTS = [
  'approval_request',
  'approval',
  'freeze',
  'budget',
  'doubt',
  'anomaly',
] as const

/** An event that people can be told about. */
export type NotifiedEvent = (typeof NOTIFIED_EVENTS)[number]

/** A message to people. Its texts are clean: no control characters, and the words of a server are marked. */
export interface Notification {
  /** The id of the message. A message that is sent again has the same id. */
  readonly id: string
  /** The event, or `test`. */
  readonly type: NotifiedEvent | 'test'
  /** The time of the event, as RFC 3339. */
  readonly at: string
  readonly agent: string
  /** One line. */
  readonly title: string
  /** The facts for a person, one in a line. */
  readonly text: string
  /** The facts for a program. The parts are those of the event, as JSON. */
  readonly data: Readonly<Record<string, unknown>>
}

/** Who pays, and in which unit its policy counts. */
export interface NotificationContext {
  readonly agent: string
  readonly unit: string
  readonly symbol: string
}

type Message = Pick<Notification, 'title' | 'text' | 'data'>

/** Creates the message of an event. */
export function notificationOf<E extends NotifiedEvent>(
  type: E,
  event: PurserEvents[E],
  context: NotificationContext,
): Notification | undefined {
  const makers: { readonly [K in NotifiedEvent]: Maker<K> } = MAKERS
  const message = makers[type](event, context)
  return message && complete(type, message, context.agent)
}

/** Creates the message of a freeze by a person, outside of any purser. */
export function freezeNotification(agent: string, event: PurserEvents['freeze']): Notification {
  return complete('freeze', freezeMessage(event), agent)
}

/** Creates a message that only shows that messages arrive. */
export function testNotification(agent: string): Notification {
  const message = { title: 'Purser can reach you', text: 'This is a test. Nothing waits for you.', data: {} }
  return complete('test', message, agent)
}

function complete(type: Notification['type'], { title, text, data }: Message, agent: string): Notification {
  return {
    id: `msg_${randomId()}`,
    type,
    at: new Date().toISOString(),
    agent: clean(agent, 200),
    title: clean(title, 150),
    text,
    data: cleanJson(data),
  }
}

type Maker<E extends NotifiedEvent> = (
  event: PurserEvents[E],
  context: NotificationContext,
) => Message | undefined

const MAKERS: { readonly [E in NotifiedEvent]: Maker<E> } = {
  approval_request: ({ approval }, context) => ({
    title: `${approval.agent} asks to pay ${priceText(approval.terms.most, context)} to ${approval.resource.vendor}`,
    text: questionText(approval, context),
    data: { approval },
  }),
  approval({ payment, approved, by, approval }, context) {
    // Without a question nobody was asked, and the refusal says why.
    if (approval === undefined) return undefined
    const what = `${priceText(approval.terms.most, context)} to ${approval.resource.vendor}`
    const end = by === undefined ? 'Nobody answered' : `${approved ? 'Approved' : 'Refused'} by ${by}`
    return {
      title: `${end}: ${what}`,
      text: lines([
        ['question', approval.id],
        ['agent', approval.agent],
        ['for', `${approval.resource.vendor} ${approval.resource.operation}`],
        ['note', approval.answer?.note],
      ]),
      data: { payment, approved, by, approval },
    }
  },
  freeze: freezeMessage,
  budget: ({ share, budget }) => ({
    title: `A budget is used to ${Math.round(share * 100)} % or more`,
    text: lines([
      ['budget', budget.rule],
      ['used', budget.message],
    ]),
    data: { share, budget },
  }),
  doubt: ({ payment, message }, context) => ({
    title: `A payment is in doubt: ${priceText(payment.terms.most, context)} to ${payment.resource.vendor}`,
    text: lines([...paymentLines(payment), ['what happened', message]]),
    data: { payment: paymentFacts(payment), message },
  }),
  anomaly: ({ kind, payment, message }) => ({
    title: `Anomaly: ${kind}`,
    text: lines([
      ['what happened', message],
      ['payment', payment],
    ]),
    data: { kind, payment, message },
  }),
}

function freezeMessage({ frozen, why }: PurserEvents['freeze']): Message {
  return {
    title: frozen ? 'Payments are frozen' : 'Payments are allowed again',
    text: lines([['why', why]]),
    data: { frozen, why },
  }
}

/** Returns a question as a person reads it. The facts are those of the dialled address, the terms and the ledger. */
function questionText(approval: Approval, context: NotificationContext): string {
  const { id, agent, tasks, tool, resource, terms, reasons, budgets = [], expires, serverSays } = approval
  const fee = terms.fee === undefined ? '' : `, and a fee of up to ${priceText(terms.fee.bound, context)}`
  const deposit = terms.locks === undefined ? '' : `, and locks ${priceText(terms.locks, context)}`
  return lines([
    ['agent', [agent, ...tasks].join(' / ')],
    ['tool', tool],
    ['pays', `${terms.exact ? '' : 'up to '}${priceText(terms.most, context)}${fee}${deposit}`],
    ['to', resource.vendor],
    ['for', resource.operation],
    ['by', `${terms.kind} on ${terms.network}`],
    ['payees', terms.payees.map((payee) => payee.id).join(', ')],
    ['because', reasons.map(({ message }) => message).join(' ')],
    ...budgets
      .filter(({ counts }) => counts === 'spend')
      .map(({ rule, remaining }): Line => ['left afterwards', `${unitsText(remaining, context)} (${rule})`]),
    ['answer until', new Date(expires).toISOString()],
    [
      "the server's words",
      serverSays === undefined ? undefined : `"${asWords(serverSays)}" (they prove nothing)`,
    ],
    ['to answer', `purser approve ${id}`],
  ])
}

/** A text of a server. A link in it must not look like a link of Purser: apps make links of addresses. */
function asWords(text: string): string {
  return clean(text).replaceAll('://', ': //')
}

function paymentLines({ id, context, resource }: Payment): readonly Line[] {
  return [
    ['payment', id],
    ['agent', context.agent],
    ['for', `${resource.vendor} ${resource.operation}`],
  ]
}

/** The facts of a payment for a message. Its key and its evidence stay here. */
function paymentFacts({ id, state, context, resource, terms, createdAt }: Payment): object {
  return { id, state, context, resource, terms, createdAt }
}

type Line = readonly [name: string, value: string | undefined]

/** Each value is one clean line, so that no value can look like another line. */
function lines(all: readonly Line[]): string {
  return all
    .filter((line): line is readonly [string, string] => line[1] !== undefined && line[1] !== '')
    .map(([name, value]) => `${name}: ${clean(value, 500)}`)
    .join('\n')
}

function priceText(price: Amount, { unit, symbol }: NotificationContext): string {
  const units = count(price, unit)
  return units === undefined ? formatAmount(price) : `${formatDecimal(units, UNIT_DECIMALS)} ${symbol}`
}

function unitsText(units: bigint, { symbol }: NotificationContext): string {
  return `${formatDecimal(units > 0n ? units : 0n, UNIT_DECIMALS)} ${symbol}`
}

/** Returns the JSON of a value, with clean texts. */
function cleanJson(data: Readonly<Record<string, unknown>>): Notification['data'] {
  return JSON.parse(JSON.stringify(data), (_, value: unknown) =>
    typeof value === 'string' ? clean(value, 2000) : value,
  )
}
