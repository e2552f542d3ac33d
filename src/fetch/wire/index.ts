export { encodeCredential, parseProblem } from '../../protocol/index.js'
export { type Carrier, carry, checkCarrier } from './carrier.js'
export { type Answers, readReply } from './read.js'
export { News } from './sse/news.js'
