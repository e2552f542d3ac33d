export type { BodyLimits, HttpLimitsOptions, KeepLimits } from '../fetch/index.js'
export {
  type InterceptorOptions,
  type MadeBody,
  purserInterceptor,
  replayableBody,
  replyBehind,
} from '../undici/index.js'
