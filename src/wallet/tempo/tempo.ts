import { balanceCache } from '../chain/index.js'
import { spendAuthorization, type Wallet } from '../index.js'
import { KIND, readDetail } from './evidence.js'
import { inspectCharge } from './inspect.js'
import { keyLimits } from './key-limits.js'
import { memoMaker } from './memo.js'
import { configure, type TempoOptions } from './options.js'
import { prepareCharge } from './prepare.js'
import { quoteCharge, type TempoContext } from './quote.js'

/**
 * Creates a wallet that pays `tempo/charge` offers. It signs a transaction that the server broadcasts (pull),
 * broadcasts one itself if the server accepts nothing else (push), or signs a proof if the price is zero.
 *
 * @throws TypeError for malformed options; an account is required.
 * @see docs/wallets.md
 * @example
 * ```ts
 * import { parsePrivateKey, tempo } from 'purser/wallet/tempo'
 * import { privateKeyToAccount } from 'viem/accounts'
 *
 * const wallet = tempo({ account: privateKeyToAccount(parsePrivateKey(process.env.TEMPO_KEY)) })
 * ```
 */
export function tempo(options: TempoOptions): Wallet {
  const config = configure(options)
  const balances = balanceCache(config.sender, config.checkedNodes)
  const limits = config.key && keyLimits(config.sender, config.key, config.checkedNodes)
  const wallet: TempoContext = { config, balances, limits, memo: memoMaker(config.random, config.clientId) }
  return Object.freeze<Wallet>({
    id: config.id,
    kinds: [KIND],
    quote: (challenge, context) => quoteCharge(challenge, context, wallet),
    async prepare(authorization, options) {
      return prepareCharge(spendAuthorization(authorization, options.now), options, wallet)
    },
    async inspect(evidence) {
      const verdict = await inspectCharge(evidence, config)
      // A payment that failed may have exceeded a limit, or its key may be revoked.
      if (verdict.state !== 'settled') limits?.forget()
      return verdict
    },
    serverTimes: config.serverTimes,
    nodeFaults: config.nodeFaults,
    matchesReceipt(evidence, reference) {
      const detail = readDetail(evidence.detail)
      if (detail?.form === 'proof') return evidence.refs.includes(reference)
      return detail?.hash === undefined ? undefined : detail.hash === reference.toLowerCase()
    },
  })
}
