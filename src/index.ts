export { createPurser } from './client/index.js'
export * from './entry/public.js'
