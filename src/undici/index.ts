export { type InterceptorOptions, payingInterceptor, purserInterceptor, replyBehind } from './interceptor.js'
export { type MadeBody, replayableBody } from './replayable-body.js'
