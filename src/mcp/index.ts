export {
  type JsonRpcOptions,
  jsonRpc,
  type PayingRpcSender,
  type RpcCallOptions,
  type RpcSender,
} from './json-rpc.js'
export { type McpClient, payingClient } from './paying-client.js'
export { payingTransport } from './paying-transport.js'
export type {
  McpOptions,
  McpTransport,
  MessageListener,
  RequestId,
  RpcError,
  RpcRequest,
  RpcResponse,
} from './types.js'
