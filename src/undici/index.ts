export { type InterceptorOptions, payingInterceptor, purserInterceptor, replyBehind } from './interceptor.js'
