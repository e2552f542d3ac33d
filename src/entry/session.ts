export * from '../session/index.js'
export * from '../socket/index.js'
