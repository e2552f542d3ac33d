export type { BodyLimits, HttpLimitsOptions, KeepLimits } from '../http/index.js'
export {
  type InterceptorOptions,
  type MadeBody,
  purserInterceptor,
  replayableBody,
  replyBehind,
} from '../undici/index.js'
