// The front entry for browsers, Workers and Edge: the conditions of package.json choose it. It leads to no SQLite.
export * from '../front.js'
export { createPurser } from '../purser/create-without-files.js'
