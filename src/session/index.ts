export type { Protocol as SessionProtocol } from './challenge.js'
export type { SessionOptions } from './options.js'
export { type SessionWallet, tempoSession } from './session.js'
