import type { ChannelWallet } from './port.js'

type OptionalName<T> = { [Name in keyof T]-?: object extends Pick<T, Name> ? Name : never }[keyof T]

/** The compiler holds this to the port: a method that a wallet need not have stands here. */
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

/** What a wallet need not be able to do, and must not inherit. */
export const OPTIONAL_METHODS: readonly string[] = Object.freeze(Object.keys(NAMES))
