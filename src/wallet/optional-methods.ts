import type { ChannelWallet } from './port.js'

type OptionalName<T> = { [Name in keyof T]-?: object extends Pick<T, Name> ? Name : never }[keyof T]

/** The compiler checks this list against the port: it must name every optional method. */
const NAMES: Readonly<Record<OptionalName<ChannelWallet>, true>> = {
  abandon: true,
  matchesReceipt: true,
  serverTimes: true,
  nodeFaults: true,
  onAccepted: true,
  onRejected: true,
  rememberedChallenge: true,
  restoreChannel: true,
  isForgotten: true,
}

/** The optional methods of a wallet. A wallet must not inherit them from a polluted `Object.prototype`. */
export const OPTIONAL_METHODS: readonly string[] = Object.freeze(Object.keys(NAMES))
