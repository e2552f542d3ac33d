export { type InterceptorOptions, purserInterceptor, replyBehind } from '../undici/index.js'
