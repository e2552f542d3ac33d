export * from '../wallet/lightning/index.js'
