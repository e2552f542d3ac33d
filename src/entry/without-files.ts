// The front entry for browsers, Workers and Edge, chosen by the conditions of package.json. It does not import SQLite.

export { createPurser } from '../client/create-without-files.js'
export * from '../front.js'
