import {
  clean,
  type ErrorCode,
  type Funds,
  fundsOf,
  type NextAction,
  PaymentError,
  type PaymentErrorDetails,
  PaymentRefusedError,
  type Reason,
} from '../errors/index.js'
import type { Payment } from '../ledger/index.js'
import { isNotSentError } from '../wallet/index.js'
import type { CallContext } from './env.js'
import { redactedError } from './redacted-error.js'
import { sentenceOf } from './rejection.js'

/** Makes the error of a payment that policy, a person or a budget refused. */
export function refused(
  reasons: readonly Reason[],
  details: Omit<PaymentErrorDetails, 'reasons'> & { readonly code?: ErrorCode } = {},
): PaymentRefusedError {
  return new PaymentRefusedError(sentence(reasons), { code: 'refused', ...details, reasons })
}

/** Makes the error of a payment while all payments are stopped. */
export function frozen(reason: string): PaymentError {
  return refused([{ rule: 'frozen', message: `Payments are frozen: ${clean(reason)}` }], { code: 'frozen' })
}

/** Makes a reason of an error. */
export function reasonOf(error: PaymentError): Reason {
  return { rule: error.code, message: error.message }
}

const BLOCKED = {
  already_paid: 'This purchase was already paid for, and its answer was delivered.',
  paid_not_delivered: 'This purchase was already paid for, but its answer never came.',
  payment_in_doubt: 'An earlier payment for the same request may still settle; it is not paid a second time.',
  idempotency_conflict: 'This Idempotency-Key already names another request.',
  busy: 'A payment for the same purchase is still under way.',
} as const

/** Makes the error of a payment that an earlier payment of the same purchase prevents. */
export function blockedBy(code: keyof typeof BLOCKED, by: Payment): PaymentRefusedError {
  const { rejection } = by
  const answered = code === 'paid_not_delivered' && rejection !== undefined
  const message = answered
    ? `This purchase was already paid for, but the server did not deliver: ${sentenceOf(rejection)}`
    : BLOCKED[code]
  return new PaymentRefusedError(message, {
    code,
    funds: fundsOf(by),
    paymentId: by.id,
    reasons: [{ rule: code, message }],
    rejection,
    reference: by.reference,
    retryAt: by.recheckAt,
  })
}

/** The advice after a server has denied a session. */
const REPEATABLE =
  'The server does not know the session any more (`session_forgotten`). Send the request again: Purser then opens another ' +
  'session, if policy allows it.'

/**
 * Makes the error of a credential that left and got no answer. The payment settled, or its outcome is not known yet.
 */
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
    rejection,
    reference: payment.reference,
    retryAt: payment.recheckAt,
  })
}

/**
 * Makes the error of a payment that waits for a person. If the call is made again after they have acted, the payment
 * goes on.
 */
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
    action,
  })
}

/** Makes the error of a credential that left, if the rail proves that no money moved and none can. */
export function provenVoid(
  { id, rejection }: Pick<Payment, 'id' | 'rejection'>,
  details: { cause?: unknown; reply?: unknown },
): PaymentError {
  if (isNotSentError(details.cause))
    return new PaymentError('wallet_unavailable', 'untouched', details.cause.message, {
      ...details,
      paymentId: id,
    })
  const answer = rejection === undefined ? '' : ` The server did not take it: ${sentenceOf(rejection)}`
  return new PaymentError(
    'wallet_failed',
    'untouched',
    `The payment was sent and is proven void: no money moved, and none can.${answer}`,
    { ...details, paymentId: id, rejection },
  )
}

/** Joins reasons to one text, in which each stands once. */
export function sentence(reasons: readonly Reason[]): string {
  const message = [...new Set(reasons.map((reason) => reason.message))]
  return message.length === 0 ? 'Nothing allowed this payment.' : message.join(' ')
}

/**
 * The cause that an error of Purser may name. Loggers print causes, so it is redacted; listeners of `error` get the
 * original. The caller's own abort reason stays as it is.
 */
export function causeFor(thrown: unknown, { call: { signal }, env }: CallContext): unknown {
  if (signal?.aborted === true && thrown === signal.reason) return thrown
  const shown = redactedError(thrown)
  if (shown !== thrown) env.emitter.emit('error', { error: thrown, during: 'payment' })
  return shown
}
