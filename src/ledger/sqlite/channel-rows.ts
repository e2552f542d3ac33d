import type { Channel, ChannelQuery } from '../channel.js'
import { decode, encode } from '../json.js'
import { damaged } from '../ledger-error.js'
import { isChannel } from '../query.js'
import { isChannelRecord, textOf } from './codec.js'
import type { Sql } from './sql.js'

/** The channels. There are few of them, and every call that pays through a channel reads them. */
export class ChannelRows {
  protected readonly sql: Sql
  #channels: readonly Channel[] | undefined

  constructor(sql: Sql) {
    this.sql = sql
  }

  protected clear(): void {
    this.#channels = undefined
  }

  channels(query: ChannelQuery): readonly Channel[] {
    this.#channels ??= this.sql.all('SELECT body FROM channels ORDER BY n').map((row) => {
      const channel = decode(textOf(row, 'body'))
      if (!isChannelRecord(channel)) throw damaged()
      return Object.freeze(channel)
    })
    return this.#channels.filter((channel) => isChannel(channel, query))
  }

  setChannel(channel: Channel): void {
    this.sql.run(
      'INSERT INTO channels (lane, body) VALUES (?, ?) ON CONFLICT (lane) DO UPDATE SET body = excluded.body',
      channel.lane,
      encode(channel),
    )
    this.#channels = undefined
  }
}
