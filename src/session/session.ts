import type { Channel, Channels } from '../ledger/index.js'
import type { AcceptedCredential, ChannelWallet } from '../wallet/index.js'
import { spendAuthorization } from '../wallet/index.js'
import { operationOf } from './channel-store.js'
import { KIND, readDetail } from './evidence.js'
import { isForgotten, rejected } from './forgotten.js'
import { channelIdOf } from './identity.js'
import { inspectSession } from './inspect.js'
import { readAmount } from './json.js'
import { inspectChannel, quoteOperation } from './manage.js'
import { configureSession, type SessionContext, type SessionOptions } from './options.js'
import { prepareSession } from './prepare.js'
import { quoteSession } from './quote.js'
import { restoreChannel } from './resume.js'

/** A wallet that pays by running totals of channels and lets their owner manage them. */
export type SessionWallet = ChannelWallet

/**
 * Creates a wallet that pays `tempo/session` offers. It locks a deposit in a channel once, and pays each call with a
 * signed running total (a voucher). A voucher needs no transaction and, from the second call on, no extra request.
 *
 * @throws TypeError for malformed options; an account is required.
 * @see docs/sessions.md
 * @example
 * ```ts
 * import { tempoSession } from 'purser/session'
 * import { parsePrivateKey } from 'purser/wallet/tempo'
 * import { privateKeyToAccount } from 'viem/accounts'
 *
 * const wallet = tempoSession({ account: privateKeyToAccount(parsePrivateKey(process.env.TEMPO_KEY)), deposit: '0.50' })
 * ```
 */
export function tempoSession(options: SessionOptions): SessionWallet {
  const parts = configureSession(options)
  return Object.freeze<SessionWallet>({
    id: parts.id,
    kinds: [KIND],
    quote: (challenge, context) => quoteSession(challenge, context, parts),
    async prepare(authorization, prepare) {
      return prepareSession(spendAuthorization(authorization, prepare.now), prepare, parts)
    },
    inspect: (evidence, inspect) => inspectSession(evidence, inspect, parts),
    serverTimes: parts.config.serverTimes,
    nodeFaults: parts.config.nodeFaults,
    matchesReceipt(evidence, reference) {
      const detail = readDetail(evidence.detail)
      return detail === undefined ? undefined : channelIdOf(detail.identity) === reference.toLowerCase()
    },
    onAccepted: (acceptance) => accepted(acceptance, parts),
    onRejected: (rejection) => rejected(rejection, parts),
    isForgotten: isForgotten,
    rememberedChallenge: (resource, now) => parts.book.standing(resource, now),
    inspectChannel: (channel: Channel, channels: Channels) => inspectChannel(channel, channels, parts),
    restoreChannel: (said, at, channels) => restoreChannel(said, at, { channels, parts }),
    quoteOperation: (act, channel, context) => quoteOperation(act, channel, { context, parts }),
  })
}

/** Records an accepted credential: its challenge may be answered again, and its deposit has arrived. */
async function accepted(acceptance: AcceptedCredential, parts: SessionContext): Promise<void> {
  const { evidence, challenge, resource, receipt, channels } = acceptance
  const detail = readDetail(evidence.detail)
  if (detail === undefined) return
  const { lane, slot, sending } = detail
  parts.busy.delete(lane)
  parts.openings.delete(lane)
  const delivered = readAmount(receipt.claims['spent'])
  const more = {
    ...(sending === undefined ? {} : { added: sending }),
    ...(delivered === undefined ? {} : { delivered }),
  }
  const at = { operation: operationOf(resource), address: resource.address }
  await parts.book.apply({ lane, slot }, { kind: 'accepted', ...at, challenge, ...more }, channels)
}
