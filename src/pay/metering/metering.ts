import { lazy } from '../../util/lazy.js'
import type { AuthorizedPayment } from '../authorize/purchase.js'
import type { Exchange, Metered } from '../exchange.js'
import type { Submission } from '../submit/submit.js'
import type { Streaming } from './stream.js'

/** An answer that is paid for while it is read. Only a running total can be raised for it. */
export async function meter<Reply>(
  exchange: Exchange<Reply>,
  presented: Submission<Reply>,
  { prepared }: AuthorizedPayment,
): Promise<{ readonly presented: Submission<Reply>; readonly metered?: Metered<Reply> }> {
  if (presented.kind === 'lost' || presented.reading.kind !== 'response') return { presented }
  if (!presented.reading.ok || prepared.signedTotal === undefined) return { presented }
  const metered = await exchange.metered?.(presented.reply)
  return metered === undefined
    ? { presented }
    : { presented: { ...presented, reply: metered.reply }, metered }
}

/** Beside the caller, who reads the stream meanwhile. Loaded with the first one. */
export async function followStream<Reply extends object>(streaming: Streaming<Reply>): Promise<void> {
  const { follow } = await streams()
  await follow(streaming)
}
const streams = lazy(() => import('./stream.js'))
