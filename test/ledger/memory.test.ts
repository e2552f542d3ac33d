import { memoryLedger } from '../../src/ledger/memory.js'
import { approvalContract } from './approval-contract.js'
import { clockContract } from './clock-contract.js'
import { contract } from './contract.js'
import { refusalContract } from './refusal-contract.js'
import { repeatContract } from './repeat-contract.js'

contract('memory', (clock) => memoryLedger({ clock }))
refusalContract('memory', (clock) => memoryLedger({ clock }))
repeatContract('memory', (clock) => memoryLedger({ clock }))
const places = new Map<string, ReturnType<typeof memoryLedger>>()
approvalContract('memory', (place, clock) => {
  const ledger = places.get(place) ?? memoryLedger({ clock })
  places.set(place, ledger)
  return ledger
})
clockContract('memory', (_, clock) => memoryLedger({ clock }))
