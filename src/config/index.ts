export { startFromEnvironment } from './start.js'
