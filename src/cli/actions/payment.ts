import type { Payment } from '../../index.js'
import { amountFact, timeFact } from '../facts.js'
import { findPayment } from '../find-payment.js'
import { operand, withView } from '../ledger-reading.js'
import { given, paymentFact } from '../payment-facts.js'
import { storyText } from '../payment-story.js'
import { receiptFact } from '../receipt-facts.js'
import type { JsonOf } from '../schemas.js'
import type { Action, CommonOptions } from '../shell.js'

/** Prints all that the ledger knows about one payment. */
export const payment: Action<CommonOptions> = async ({ args, options, terminal }) => {
  const found = await withView(options, terminal, (opened) => findPayment(opened, operand(args)))
  return {
    kind: 'single',
    json: paymentDetails(found),
    text: (style) => storyText(found, Date.now(), style),
  }
}

function paymentDetails(payment: Payment): JsonOf<'payment'> {
  const { terms, key, trace, rejection } = payment
  return {
    ...paymentFact(payment),
    currency: terms.most.currency.id,
    exact: terms.exact,
    payees: terms.payees.map(({ id, amount }) => ({ id, amount: amountFact(amount) })),
    ...given({ escrow: terms.escrow }),
    effect: payment.effect,
    policy: payment.policy,
    attempts: payment.attempts.map(
      ({ at, challengeId, terms: { kind, network, most }, evidence, void: why }) => ({
        at: timeFact(at),
        challenge: challengeId,
        kind,
        network,
        price: amountFact(most),
        wallet: evidence.wallet,
        references: [...evidence.refs],
        ...given({ void: why }),
      }),
    ),
    receipts: payment.receipts.map(receiptFact),
    ...given({ key, trace, rejection: rejection === undefined ? undefined : { ...rejection } }),
  }
}
