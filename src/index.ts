export { createPurser } from './client/create.js'
export * from './front.js'
