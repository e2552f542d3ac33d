// The front entry for browsers, Workers and Edge: the conditions of package.json choose it. It leads to no SQLite.

export { createPurser } from '../client/create-without-files.js'
export * from '../front.js'
