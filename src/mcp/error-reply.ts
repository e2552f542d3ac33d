import { isPaymentError, type PaymentError, type Reason } from '../errors/index.js'
import { CODES } from './meta.js'
import { errorReply } from './rpc-exchange.js'
import type { RpcRequest, RpcResponse } from './types.js'

/**
 * Converts the end of a call to the error that an MCP client gets as the answer. The client may show it to a model. So the
 * message of a ledger, a policy or a wallet that failed is left out: it may quote a secret.
 */
export function replyForError(request: RpcRequest, error: unknown): RpcResponse {
  if (isPaymentError(error)) return errorReply(request, error.message, dataOf(error))
  const failure =
    error instanceof TypeError ? { code: CODES.invalidParams, message: error.message } : FAILED_INSIDE
  return { jsonrpc: '2.0', id: request.id, error: failure }
}

const FAILED_INSIDE = {
  code: CODES.internal,
  message: "The call failed inside Purser. The transport's onerror has the cause.",
}

function dataOf(error: PaymentError): object {
  const { code, funds, retryable, paymentId, reference, action, rejection, retryAt } = error
  return {
    title: funds === 'untouched' ? 'Not paid' : 'Paid without a result',
    status: 402,
    detail: error.message,
    code,
    funds,
    retryable,
    reasons: error.reasons.map(asJson),
    ...(paymentId !== undefined && { payment: paymentId }),
    ...(reference !== undefined && { reference }),
    ...(action !== undefined && { action }),
    ...(rejection !== undefined && { rejection }),
    ...(retryAt !== undefined && { retryAt: new Date(retryAt).toISOString() }),
  }
}

function asJson({ resetsAt, ...reason }: Reason): object {
  return resetsAt === undefined ? reason : { ...reason, resetsAt: new Date(resetsAt).toISOString() }
}
