export {
  type InterceptorOptions,
  type MadeBody,
  purserInterceptor,
  replayableBody,
  replyBehind,
} from '../undici/index.js'
