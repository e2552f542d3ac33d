import type { Evidence, Verdict } from '../../ledger/index.js'
import type { Config } from './options.js'

export async function inspectCharge(_evidence: Evidence, _config: Config): Promise<Verdict> {
  return { state: 'unknown', because: 'not yet' }
}
