import { memoryLedger } from '../../src/ledger/memory.js'
import { clockContract } from './clock-contract.js'
import { contract } from './contract.js'
import { refusalContract } from './refusal-contract.js'
import { repeatContract } from './repeat-contract.js'

contract('memory', (clock) => memoryLedger({ clock }))
refusalContract('memory', (clock) => memoryLedger({ clock }))
repeatContract('memory', (clock) => memoryLedger({ clock }))
clockContract('memory', (_, clock) => memoryLedger({ clock }))
