import { memoryLedger } from '../../src/ledger/memory.js'
import { contract } from './contract.js'

contract('memory', (clock) => memoryLedger({ clock }))
