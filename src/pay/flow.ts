import type { Challenge } from '../protocol/index.js'
import { lazy } from '../util/lazy.js'
import { own } from '../util/objects.js'
import type { Call, CallContext } from './env.js'
import { type Exchange, sendUnpaid } from './exchange.js'
import { type NotPaid, paysKind, whyNotPaid } from './not-paid.js'
import { runPurchase, runUpfrontPurchase } from './run-purchase.js'

/** Opens the ledger for a call. */
type Begin = () => Promise<CallContext>

/** What is known about a call before the payment flow starts. */
export interface FlowStart<Reply> {
  /** A challenge that this request may be answered with before it is sent unpaid. */
  readonly remembered?: Challenge | undefined
  /** The reply to the unpaid request, if it was sent already. */
  readonly unpaid?: Promise<Reply> | undefined
  /** Called if a 402 is returned to the caller unpaid. */
  readonly notPaid?: (reply: Reply, reasons: NotPaid['reasons']) => void
}

/**
 * The path of one payment: send the request; if the server asks for money, authorize, submit and settle.
 *
 * @returns The reply for the caller: the first one if nothing was paid, otherwise the paid one.
 * @throws PaymentRefusedError before a credential was sent; PaymentError if one was sent and no answer came.
 */
export async function pay<Reply extends object>(
  exchange: Exchange<Reply>,
  call: Call,
  begin: Begin,
  given: FlowStart<Reply> = {},
): Promise<Reply> {
  const { remembered, unpaid, notPaid } = own(given)
  const start = lazy(begin)
  if (remembered !== undefined) {
    const paid = await runUpfrontPurchase(exchange, remembered, await start())
    if (paid !== undefined) return paid.reply
  }
  const reply = await (unpaid ?? sendUnpaid(exchange, call))
  if (!exchange.mayRequirePayment(reply)) return reply
  const reading = await exchange.read(reply)
  if (reading.kind !== 'payment-required') return reply
  if (reading.offers.length === 0) {
    notPaid?.(reply, reading.reasons ?? [])
    return reply
  }
  const context = await start()
  const { wallets } = context.env
  const offers = reading.offers.filter(({ kind }) => paysKind(wallets, kind))
  if (offers.length === 0) {
    notPaid?.(reply, whyNotPaid(reading, wallets))
    return reply
  }
  // The body is read to its end first, so that the paid request finds the connection free.
  exchange.discard(reply)
  return runPurchase(exchange, own({ ...reading, offers }), context)
}
