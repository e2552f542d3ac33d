export { encodeCredential, parseProblem } from '../../protocol/index.js'
export { type Carrier, checkCarrier } from './carrier.js'
export { type HeadReading, readHead } from './read.js'
export { News } from './sse/news.js'
