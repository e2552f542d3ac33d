export * from '../wallet/evm/index.js'
