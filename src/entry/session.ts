export type { InspectedSession } from '../client/index.js'
export * from '../session/index.js'
export * from '../socket/index.js'
