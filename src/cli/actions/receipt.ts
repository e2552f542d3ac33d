import { clean } from '../../errors/index.js'
import type { Payment } from '../../index.js'
import { amountFact } from '../facts.js'
import { findPayment } from '../find-payment.js'
import { operand, withView } from '../ledger-reading.js'
import { given } from '../payment-facts.js'
import { receiptFact } from '../receipt-facts.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'

type ReceiptFact = JsonOf<'receipt'>

/** Prints each receipt of a payment as it came, beside the values that Purser compares with it. */
export const receipt: Action<CommonOptions> = async ({ args, options, terminal }) => {
  const found = await withView(options, terminal, (opened) => findPayment(opened, operand(args)))
  const facts = receiptsOf(found)
  return { kind: 'rows', rows: facts, text: async () => receiptsText(found, facts) }
}

function receiptsOf({ id, receipts, resource, terms, attempts, proof }: Payment): readonly ReceiptFact[] {
  const challenges = attempts.map(({ challengeId }) => challengeId)
  return receipts.map((receipt) => ({
    payment: id,
    receipt: receiptFact(receipt),
    expected: {
      vendor: resource.vendor,
      kind: terms.kind,
      network: terms.network,
      price: amountFact(terms.most),
      payees: terms.payees.map((payee) => ({ id: payee.id, amount: amountFact(payee.amount) })),
      challenges,
      references: attempts.flatMap(({ evidence }) => evidence.refs),
    },
    matches: given({
      challenge: receipt.challengeId === undefined ? undefined : challenges.includes(receipt.challengeId),
      network: receipt.network === undefined ? undefined : receipt.network === terms.network,
    }),
    ...given({ proof }),
  }))
}

function receiptsText({ id, resource }: Payment, facts: readonly ReceiptFact[]): string {
  if (facts.length === 0) return `The server sent no receipt for payment ${id}.`
  return facts
    .flatMap(({ receipt, expected, matches, proof }) => [
      `Receipt of ${clean(resource.vendor)} for payment ${id}, as it came:`,
      ...JSON.stringify(receipt.claims, null, 2)
        .split('\n')
        .map((line) => `  ${/^ */.exec(line)?.[0] ?? ''}${clean(line, 400)}`),
      'Purser expected:',
      `  price       ${expected.price.value} ${expected.price.currency} by ${expected.kind} on ${expected.network}`,
      ...expected.payees.map(({ id: to }) => `  to          ${clean(to)}`),
      ...expected.challenges.map(
        (challenge) => `  challenge   ${clean(challenge)}${sameText(matches.challenge)}`,
      ),
      ...expected.references.map((reference) => `  reference   ${clean(reference)}`),
      `The payment is ${proof === undefined ? 'not settled' : `settled by ${PROOFS[proof]}`}.`,
    ])
    .join('\n')
}

const PROOFS = { receipt: 'this receipt', chain: 'the chain', person: 'a person' } as const

function sameText(matches: boolean | undefined): string {
  return matches === undefined
    ? ''
    : matches
      ? '   (the receipt names it)'
      : '   (the receipt names another one)'
}
