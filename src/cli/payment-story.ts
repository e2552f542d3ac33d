import { clean } from '../errors/index.js'
import type { Payment } from '../index.js'
import { amountFact, timeFact } from './facts.js'
import { paymentFact } from './payment-facts.js'
import { stateText } from './payment-text.js'
import type { Style } from './style.js'
import { agoText, inText } from './words.js'

type Line = readonly [name: string, text: string]

/** Tells in lines what happened to a payment: the offer, the decision, each attempt, the result, the receipts. */
export function storyText(payment: Payment, now: number, style: Style): string {
  const lines: readonly Line[] = [
    ['payment', payment.id],
    ['state', stateText(paymentFact(payment), now)],
    ...moneyLines(payment),
    ...offerLines(payment, now),
    ...decisionLines(payment),
    ...attemptLines(payment, now),
    ...resultLines(payment, now),
  ]
  return linesText(lines, style)
}

/** Prints names and texts in two columns. Long texts continue on the next line. Texts may come from a server. */
export function linesText(lines: readonly Line[], style: Style): string {
  const width = Math.max(...lines.map(([name]) => name.length)) + 2
  return lines.flatMap(([name, text]) => wrapped(name, text, width, style)).join('\n')
}

function wrapped(name: string, text: string, indent: number, { width, color }: Style): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of clean(text, 2000).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width - indent) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines.map(
    (part, at) => `${at === 0 ? color('dim', name.padEnd(indent)) : ' '.repeat(indent)}${part}`,
  )
}

const money = (amount: Payment['terms']['most']): string => {
  const { value, currency } = amountFact(amount)
  return `${value} ${currency}`
}

/** What became of the money, in a sentence. */
function moneyLines(payment: Payment): readonly Line[] {
  const { state, spent, terms, fee, delivered, live, proof } = payment
  const taken = fee === undefined ? '' : ` and a fee of ${money(fee)}`
  if (state === 'settled') {
    const most = spent === undefined ? `at most ${money(terms.most)}` : money(spent)
    const how = {
      receipt: 'by the receipt',
      chain: 'proven by the chain',
      person: 'as a person stated',
    } as const
    const by = proof === undefined ? '' : `, ${how[proof]}`
    return [
      ['money', `${most}${taken} was paid${by}. The answer ${delivered ? 'arrived' : 'did not arrive'}.`],
    ]
  }
  if (state === 'committed')
    return [
      [
        'money',
        `${money(terms.most)} ${live ? 'is being paid' : 'may have been paid; it counts as spent until this is known'}.`,
      ],
    ]
  if (state === 'held') return [['money', `Nothing was paid. ${money(terms.most)} of the budgets is held.`]]
  return [['money', `Nothing was paid${fee === undefined ? '' : `, but a fee of ${money(fee)} was taken`}.`]]
}

function offerLines({ context, resource, terms, createdAt }: Payment, now: number): readonly Line[] {
  const { agent, tasks, tool } = context
  const fee = terms.fee === undefined ? '' : `, fee up to ${money(terms.fee.bound)}`
  const deposit = terms.locks === undefined ? '' : `, deposit ${money(terms.locks)}`
  return [
    ['when', `${timeFact(createdAt)}, ${agoText(createdAt, now)}`],
    [
      'agent',
      [agent, ...tasks.map((task) => `task ${task}`), ...(tool === undefined ? [] : [`tool ${tool}`])].join(
        ', ',
      ),
    ],
    ['vendor', resource.vendor],
    ['what', resource.operation],
    [
      'offer',
      `${terms.exact ? '' : 'at most '}${money(terms.most)} by ${terms.kind} on ${terms.network}${fee}${deposit}`,
    ],
    ...terms.payees.map(({ id, amount }): Line => ['payee', `${id} gets ${money(amount)}`]),
  ]
}

const EFFECTS = { allow: 'allowed', ask: 'a person must approve', deny: 'refused' } as const

function decisionLines({ effect, reasons, approvedBy, times, policy }: Payment): readonly Line[] {
  const again = times === undefined ? '' : `, ${times} times`
  return [
    ['policy', `${EFFECTS[effect]}${again} (policy ${policy.slice(0, 12)})`],
    ...reasons.map(({ rule, message }): Line => ['because', `${rule}: ${message}`]),
    ...(approvedBy === undefined ? [] : [['approved', `by ${approvedBy}`] satisfies Line]),
  ]
}

function attemptLines({ attempts }: Payment, now: number): readonly Line[] {
  return attempts.flatMap(({ at, evidence, terms, void: why }): readonly Line[] => [
    ['signed', `${timeFact(at)}, ${agoText(at, now)}: ${money(terms.most)} by ${evidence.wallet}`],
    ...evidence.refs.map((ref): Line => ['reference', ref]),
    ...(why === undefined ? [] : [['void', why] satisfies Line]),
  ])
}

function resultLines(payment: Payment, now: number): readonly Line[] {
  const { reason, reference, receipts, rejection, recheckAt, key } = payment
  const answer = [rejection?.title, rejection?.detail].filter((text) => text !== undefined).join(': ')
  return [
    ...(reason === undefined ? [] : [['reason', reason] satisfies Line]),
    ...(reference === undefined ? [] : [['settled as', reference] satisfies Line]),
    ...(rejection === undefined
      ? []
      : [['server said', `${rejection.status} ${answer} (this proves nothing)`] satisfies Line]),
    ...receipts.map(
      ({ reference: at, timestamp }): Line => [
        'receipt',
        [at ?? 'without a reference', timestamp].filter((text) => text !== undefined).join(', '),
      ],
    ),
    ...(recheckAt === undefined ? [] : [['next check', inText(recheckAt, now)] satisfies Line]),
    ...(key === undefined ? [] : [['key', key] satisfies Line]),
  ]
}
