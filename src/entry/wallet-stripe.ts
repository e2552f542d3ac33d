export * from '../wallet/stripe/index.js'
