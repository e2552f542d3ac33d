import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { approvalContract } from './approval-contract.js'
import { clockContract, type OpenAt, reopeningContract } from './clock-contract.js'
import { contract, type MakeLedger } from './contract.js'
import { refusalContract } from './refusal-contract.js'
import { repeatContract } from './repeat-contract.js'

const folder = mkdtempSync(join(tmpdir(), 'purser-ledger-'))
afterAll(() => rmSync(folder, { recursive: true }))

let number = 0
const make: MakeLedger = (clock) =>
  sqliteLedger({ path: join(folder, `${++number}.db`), synchronous: 'normal', clock })
contract('sqlite', make)
refusalContract('sqlite', make)
repeatContract('sqlite', make)
const openAt: OpenAt = (place, clock) =>
  sqliteLedger({ path: join(folder, `${place}.db`), synchronous: 'normal', clock })
approvalContract('sqlite', openAt)
clockContract('sqlite', openAt)
reopeningContract('sqlite', openAt)
