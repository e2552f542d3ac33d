import type { Deal } from './case.js'
import type { Exchange, Metered } from './exchange.js'
import { once } from './once.js'
import type { Presented } from './present.js'
import type { Streaming } from './stream.js'

/** An answer that is paid for while it is read. Only a running total can be raised for it. */
export async function meter<Reply>(
  exchange: Exchange<Reply>,
  presented: Presented<Reply>,
  { prepared }: Deal,
): Promise<{ readonly presented: Presented<Reply>; readonly metered?: Metered<Reply> }> {
  if (presented.kind === 'lost' || presented.reading.kind !== 'answers') return { presented }
  if (!presented.reading.ok || prepared.laneSigned === undefined) return { presented }
  const metered = await exchange.meter?.(presented.reply)
  return metered === undefined
    ? { presented }
    : { presented: { ...presented, reply: metered.reply }, metered }
}

/** Beside the caller, who reads the stream meanwhile. Loaded with the first one. */
export async function followStream<Reply extends object>(streaming: Streaming<Reply>): Promise<void> {
  const { follow } = await streams()
  await follow(streaming)
}
const streams = once(() => import('./stream.js'))
