import { ERROR_CODES, type ErrorCode, PaymentRefusedError, type Reason } from '../errors/index.js'
import type { RefusalProblem } from './exchange.js'

/** Converts a refusal to an error again, for transports whose replies cannot carry one. */
export function refusedError({
  code,
  detail,
  funds,
  payment,
  reasons,
  retryAt,
}: RefusalProblem): PaymentRefusedError {
  const known: ErrorCode = ERROR_CODES.find((each) => each === code) ?? 'refused'
  return new PaymentRefusedError(detail, {
    code: known,
    funds,
    reasons: reasons.flatMap(reasonOf),
    ...(payment === undefined ? {} : { paymentId: payment }),
    ...(retryAt === undefined ? {} : { retryAt: Date.parse(retryAt) }),
  })
}

function reasonOf(reason: unknown): readonly Reason[] {
  const { rule, message, limit, asked, remaining, resetsAt }: Readonly<Record<string, unknown>> = {
    ...Object(reason),
  }
  if (typeof rule !== 'string' || typeof message !== 'string') return []
  return [
    {
      rule,
      message,
      ...(typeof limit === 'string' ? { limit } : {}),
      ...(typeof asked === 'string' ? { asked } : {}),
      ...(typeof remaining === 'string' ? { remaining } : {}),
      ...(typeof resetsAt === 'string' ? { resetsAt: Date.parse(resetsAt) } : {}),
    },
  ]
}
