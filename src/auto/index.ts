export { type AutoSettings, readEnvironment } from './environment.js'
export { startFromEnvironment } from './start.js'
