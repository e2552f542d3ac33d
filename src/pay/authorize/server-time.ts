import { PaymentRefusedError } from '../../errors/index.js'
import { durationText } from '../../ledger/index.js'
import type { ReplyInfo } from '../../protocol/index.js'
import type { Env } from '../env.js'

/** If a server's `Date` is further from the clock of this host than this, nothing is signed. */
const WRONG_MS = 60_000

/**
 * Notes the time of the server, before anything is signed.
 *
 * @throws PaymentRefusedError `clock_wrong` if the clock of this host is far from it, and no other server agrees with
 * that clock.
 */
export function noteServerTime(
  { at, date }: Pick<Extract<ReplyInfo, { kind: 'payment-required' }>, 'at' | 'date'>,
  { clock, ledger }: Pick<Env, 'clock' | 'ledger'>,
): void {
  if (date === undefined) return
  const { protocol, hostname, host } = new URL(at.vendor)
  // Without https the server is this host itself, which is no second source of time.
  if (protocol !== 'https:') return
  const others = ledger.hearTime?.(domainOf(hostname), date) ?? 0
  const off = clock.now() - date
  if (Math.abs(off) <= WRONG_MS || others > 0) return
  const way = off > 0 ? 'ahead of' : 'behind'
  const message = `The clock of this host is ${durationText(Math.abs(off))} ${way} that of ${host}. Nothing was signed: set the clock right.`
  throw new PaymentRefusedError(message, { code: 'clock_wrong', reasons: [{ rule: 'clock', message }] })
}

/** Notes the times that the nodes of the wallets sent. */
export function noteWalletTimes({ wallets, ledger }: Pick<Env, 'wallets' | 'ledger'>): void {
  if (ledger.hearTime === undefined) return
  for (const wallet of wallets)
    for (const { host, at, since } of wallet.serverTimes?.() ?? [])
      ledger.hearTime(domainOf(host), at + (performance.now() - since))
}

/** Tells listeners of the faults that the wallets found in their nodes. */
export function reportNodeFaults({ wallets, emitter }: Pick<Env, 'wallets' | 'emitter'>): void {
  for (const wallet of wallets)
    for (const { kind, message } of wallet.nodeFaults?.() ?? []) emitter.emit('anomaly', { kind, message })
}

/**
 * Servers of one domain count as one source. If two labels are a public suffix, servers of several domains count as one
 * too.
 */
function domainOf(host: string): string {
  return /^[\d.]+$|:/.test(host) ? host : host.split('.').slice(-2).join('.')
}
