// The main entry for browsers, Workers and Edge, chosen by the conditions of package.json. It does not import SQLite.

export { createPurserWithoutFiles as createPurser } from '../client/index.js'
export * from './public.js'
