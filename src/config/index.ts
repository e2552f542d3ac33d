export { type Configured, createFromEnvironment, startFromEnvironment } from './start.js'
