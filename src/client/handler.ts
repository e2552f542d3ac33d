import type { Reason } from '../errors/index.js'
import type { HttpPaymentHandler } from '../http/index.js'
import { paysKind } from '../pay/index.js'
import { formatAcceptPayment, likingOf, type Preference } from '../protocol/index.js'
import type { Wallet } from '../wallet/index.js'
import { type Binding, type Core, loadEngine } from './core.js'

/** Makes the payment handler of a purser that is bound to a task or a tool. */
export function handlerFor(core: Core, binding: Binding): HttpPaymentHandler {
  const { policy, wallets, prefer } = core.settings
  const withSessions = wallets.filter(({ rememberedChallenge }) => rememberedChallenge !== undefined)
  // Made once, because each call asks for it, paid or not.
  const outsideTasks = Object.freeze(core.context(binding, {}, []))
  const contextOfCall = () => (core.tasks.current().length === 0 ? outsideTasks : core.context(binding))
  return {
    acceptPayment: acceptPayment(wallets, prefer),
    payable: (resource) => policy.payable(resource, contextOfCall()),
    replacesAuthorization: (resource) => policy.replacesAuthorization(resource),
    sendsIdempotencyKey: (resource) => policy.sendsIdempotencyKey(resource),
    pays: (kind) => paysKind(wallets, kind),
    noteUnpaid: (reply, resource, reasons) =>
      core.notPaid(
        reply,
        reasons ?? (resource ? policy.objections(resource, core.context(binding)) : [NO_PLACE]),
        resource,
      ),
    codecs: async () => (await loadEngine()).codecs,
    paysUpfront: (resource) => withSessions.length > 0 && core.rememberedChallenge(resource) !== undefined,
    shareOutcome: (from, to) => core.shareOutcome(from, to),
    run: (exchange, options) => core.run(exchange, binding, options),
  }
}

/** The reason for an unpaid 402 from such an address. */
const NO_PLACE: Reason = Object.freeze({
  rule: 'address',
  message:
    'A payment travels only over https, or over http on this machine, and to no address that holds a password.',
})

/**
 * Lists the kinds that the wallets can pay by the `Payment` scheme, in the preferred order. Kinds with preference 0
 * are left out. x402 has no such header, and its schemes are no methods of this one.
 */
function acceptPayment(wallets: readonly Wallet[], prefer: readonly Preference[]): string {
  const kinds = [...new Set(wallets.flatMap((wallet) => wallet.kinds))]
  const liked = kinds
    .filter((kind) => !kind.startsWith('x402/'))
    .map((kind) => ({ kind, ...likingOf(prefer, kind) }))
    .filter(({ q }) => q > 0)
  return formatAcceptPayment(liked.sort((a, b) => b.q - a.q || a.place - b.place))
}
