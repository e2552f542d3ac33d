import {
  type ErrorCode,
  type Funds,
  type NextAction,
  PaymentError,
  type PaymentErrorDetails,
  PaymentRefusedError,
  type Reason,
} from '../errors/index.js'
import { fundsOf, type Payment } from '../ledger/index.js'
import { hasNothingLeft } from '../wallet/index.js'
import { sentenceOf } from './settle/rejection.js'

/** Policy, a person or a counter said no. */
export function refused(
  reasons: readonly Reason[],
  details: Omit<PaymentErrorDetails, 'reasons'> & { readonly code?: ErrorCode } = {},
): PaymentRefusedError {
  return new PaymentRefusedError(sentence(reasons), { code: 'refused', ...details, reasons })
}

/** An error as a reason beside others. */
export function reasonOf(error: PaymentError): Reason {
  return { rule: error.code, message: error.message }
}

const STANDING = {
  already_paid: 'This purchase was already paid for, and its answer was delivered.',
  paid_not_delivered: 'This purchase was already paid for, but its answer never came.',
  payment_in_doubt: 'An earlier payment for the same request may still settle; it is not paid a second time.',
  idempotency_conflict: 'This Idempotency-Key already names another request.',
  busy: 'A payment for the same purchase is still under way.',
} as const

/** An earlier payment stands in the way of this one. */
export function standsInTheWay(code: keyof typeof STANDING, by: Payment): PaymentRefusedError {
  const { rejection } = by
  const answered = code === 'paid_not_delivered' && rejection !== undefined
  const message = answered
    ? `This purchase was already paid for, but the server did not deliver: ${sentenceOf(rejection)}`
    : STANDING[code]
  return new PaymentRefusedError(message, {
    code,
    funds: fundsOf(by),
    paymentId: by.id,
    reasons: [{ rule: code, message }],
    ...(rejection === undefined ? {} : { rejection }),
    ...(by.reference === undefined ? {} : { reference: by.reference }),
    ...(by.recheckAt === undefined ? {} : { retryAt: by.recheckAt }),
  })
}

/** What a caller does after the server has denied a session. */
const REPEATABLE =
  'The server does not know the session any more (`session_forgotten`). Send the request again: Purser then opens another ' +
  'session, if policy allows it.'

/** A credential left, and this is how it ended: settled without an answer, or nobody knows yet. */
export function unanswered(payment: Payment, details: { cause?: unknown; reply?: unknown }): PaymentError {
  const settled = payment.state === 'settled'
  const funds: Funds = settled ? 'settled' : 'unknown'
  const { rejection, repeatable } = payment
  const answer = rejection === undefined ? undefined : `The server did not deliver: ${sentenceOf(rejection)}`
  const again = repeatable === true ? REPEATABLE : undefined
  const message = settled
    ? `The payment settled. ${answer ?? 'Its answer did not come.'} ${again ?? 'The same request is not paid again for a while.'}`
    : [
        'A payment was sent.',
        ...(answer === undefined ? [] : [answer]),
        'Its outcome is not known yet. It counts as spent until it is proven otherwise.',
        ...(again === undefined ? [] : [again]),
      ].join(' ')
  return new PaymentError(settled ? 'paid_not_delivered' : 'payment_in_doubt', funds, message, {
    ...details,
    paymentId: payment.id,
    ...(rejection === undefined ? {} : { rejection }),
    ...(payment.reference === undefined ? {} : { reference: payment.reference }),
    ...(payment.recheckAt === undefined ? {} : { retryAt: payment.recheckAt }),
  })
}

/** It waits for a person. Nothing is given up meanwhile: called again after they have acted, the same payment goes on. */
export function actionRequired(
  payment: Payment,
  action: NextAction | undefined,
  details: { cause?: unknown; reply?: unknown } = {},
): PaymentError {
  const message =
    'A person must act before this payment can go on. Until they have, or it runs out, it counts as spent.'
  return new PaymentError('action_required', fundsOf(payment), message, {
    ...details,
    paymentId: payment.id,
    ...(action === undefined ? {} : { action }),
  })
}

/** A credential left, and the rail proves that nothing moved and nothing can. */
export function provenVoid(
  { id, rejection }: Pick<Payment, 'id' | 'rejection'>,
  details: { cause?: unknown; reply?: unknown },
): PaymentError {
  if (hasNothingLeft(details.cause))
    return new PaymentError('wallet_unavailable', 'untouched', details.cause.message, {
      ...details,
      paymentId: id,
    })
  const answer = rejection === undefined ? '' : ` The server did not take it: ${sentenceOf(rejection)}`
  return new PaymentError(
    'wallet_failed',
    'untouched',
    `The payment was sent and is proven void: no money moved, and none can.${answer}`,
    { ...details, paymentId: id, ...(rejection === undefined ? {} : { rejection }) },
  )
}

/** The reasons as one text. The same reason stands in it once. */
export function sentence(reasons: readonly Reason[]): string {
  const message = [...new Set(reasons.map((reason) => reason.message))]
  return message.length === 0 ? 'Nothing allowed this payment.' : message.join(' ')
}
