import { ownOptions } from '../../errors/index.js'
import { spendAuthorization, type Wallet } from '../index.js'
import { domainsOf } from './domains.js'
import { readDetail } from './evidence.js'
import { holdingsOf } from './holdings.js'
import { inspectOffer } from './inspect.js'
import { configure, EVM_OPTIONS, type EvmOptions } from './options.js'
import type { EvmContext } from './plan.js'
import { prepareOffer } from './prepare.js'
import { quoteOffer } from './quote.js'
import { PAID_KINDS } from './read-offer.js'
import { prepareSignIn, quoteSignIn, SIGN_IN, visits } from './sign-in.js'

/**
 * Creates a wallet that pays in tokens on EVM chains: `evm/charge` and `usdc/charge` offers of MPP, and `exact` and
 * `upto` offers of x402. It also signs in to servers that it has paid before and that accept a sign-in. It signs for a
 * token only if Purser's table, the user's options or the chain describe the token, never on the server's description
 * alone.
 *
 * @throws TypeError for malformed options; an account is required.
 * @see docs/wallets.md
 * @example
 * ```ts
 * import { evm, parsePrivateKey } from 'purser/wallet/evm'
 * import { privateKeyToAccount } from 'viem/accounts'
 *
 * const wallet = evm({ account: privateKeyToAccount(parsePrivateKey(process.env.EVM_KEY)) })
 * ```
 */
export function evm(options: EvmOptions): Wallet {
  const config = configure(ownOptions(options ?? {}, EVM_OPTIONS, 'evm()'))
  const parts: EvmContext = { config, domains: domainsOf(config), holdings: holdingsOf(config) }
  const known = visits()
  return Object.freeze<Wallet>({
    id: config.id,
    kinds: [...PAID_KINDS, SIGN_IN],
    async quote(challenge, context) {
      return challenge.kind === SIGN_IN
        ? quoteSignIn(challenge, context, config, known)
        : quoteOffer(challenge, context, parts)
    },
    async prepare(authorization, options) {
      const spendable = spendAuthorization(authorization, options.now)
      return spendable.quote.challenge.kind === SIGN_IN
        ? prepareSignIn(spendable, options, config, known)
        : prepareOffer(spendable, options, parts)
    },
    async inspect(evidence) {
      const [challengeId] = evidence.refs
      if (evidence.kind === SIGN_IN && challengeId !== undefined) known.refused(challengeId)
      return inspectOffer(evidence, config)
    },
    serverTimes: config.times,
    nodeFaults: config.nodeFaults,
    matchesReceipt(evidence, reference) {
      const detail = readDetail(evidence.detail)
      return detail?.form === 'transaction' ? detail.hash === reference.toLowerCase() : undefined
    },
    async onAccepted(acceptance) {
      known.remember(acceptance)
    },
  })
}
