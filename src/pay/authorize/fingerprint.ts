import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Call } from '../env.js'

/** One request of one agent on one piece of work: the same in any process, and never another agent's. */
export function fingerprintOf({ context: { agent, tasks, tool } }: Call, request: string): string {
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify([agent, tasks, tool ?? null, request]))))
}
