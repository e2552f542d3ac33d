import { benchCharge } from './charge.js'
import { benchPolicy } from './policy.js'
import { benchFree } from './free.js'
console.log(await benchCharge()); console.log(await benchPolicy()); console.log(await benchFree()); process.exit(0)
