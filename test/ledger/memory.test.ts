import { memoryLedger } from '../../src/ledger/index.js'
import { contract } from './contract.js'

contract('memory', (clock) => memoryLedger({ clock }))
