export * from './front.js'
export { createPurser } from './purser/create.js'
