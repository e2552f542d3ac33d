export { openSocket } from './open-socket.js'
export type {
  PaidSocket,
  SocketClass,
  SocketData,
  SocketEnd,
  SocketEvent,
  SocketLike,
  SocketLimits,
  SocketOptions,
  SocketPayload,
} from './types.js'
