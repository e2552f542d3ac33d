export * from '../wallet/tempo/index.js'
