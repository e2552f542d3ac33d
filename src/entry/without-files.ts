// The main entry for browsers, Workers and Edge. The conditions of package.json choose it. It does not import SQLite.

export { createPurserWithoutFiles as createPurser } from '../client/index.js'
export * from './public.js'
