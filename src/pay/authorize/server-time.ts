import { PaymentRefusedError } from '../../errors/index.js'
import { durationText } from '../../ledger/index.js'
import type { ReplyInfo } from '../../protocol/index.js'
import type { Env } from '../env.js'

/** A server whose `Date` is further from the wall clock than this is asked for nothing that lives a minute. */
const WRONG_MS = 60_000

/**
 * Hears what time the server says it is, before anything is signed.
 *
 * @throws PaymentRefusedError `clock_wrong` if that is far from the clock of this host, and nobody else agrees with it.
 */
export function noteServerTime(
  { at, date }: Pick<Extract<ReplyInfo, { kind: 'payment-required' }>, 'at' | 'date'>,
  { clock, ledger }: Pick<Env, 'clock' | 'ledger'>,
): void {
  if (date === undefined) return
  const { protocol, hostname, host } = new URL(at.vendor)
  // Without https it is this host itself, whose word is no second one.
  if (protocol !== 'https:') return
  const others = ledger.hearTime?.(domainOf(hostname), date) ?? 0
  const off = clock.now() - date
  if (Math.abs(off) <= WRONG_MS || others > 0) return
  const way = off > 0 ? 'ahead of' : 'behind'
  const message = `The clock of this host is ${durationText(Math.abs(off))} ${way} that of ${host}. Nothing was signed: set the clock right.`
  throw new PaymentRefusedError(message, { code: 'clock_wrong', reasons: [{ rule: 'clock', message }] })
}

/** Hears what time the nodes of the wallets said it is. */
export function noteWalletTimes({ wallets, ledger }: Pick<Env, 'wallets' | 'ledger'>): void {
  if (ledger.hearTime === undefined) return
  for (const wallet of wallets)
    for (const { host, at, since } of wallet.serverTimes?.() ?? [])
      ledger.hearTime(domainOf(host), at + (performance.now() - since))
}

/** Tells what the wallets found wrong with their nodes. */
export function reportNodeFaults({ wallets, emitter }: Pick<Env, 'wallets' | 'emitter'>): void {
  for (const wallet of wallets)
    for (const { kind, message } of wallet.nodeFaults?.() ?? []) emitter.emit('anomaly', { kind, message })
}

/** Servers below one domain are one witness. Two labels may be a public suffix: then more of them are one. */
function domainOf(host: string): string {
  return /^[\d.]+$|:/.test(host) ? host : host.split('.').slice(-2).join('.')
}
