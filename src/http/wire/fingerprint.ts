import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { HttpResource } from '../../protocol/index.js'
import type { KeptBody } from '../body.js'

/** Method, address and body digest, hashed: the same for the same request in any process. */
export async function fingerprintOf(resource: HttpResource, body: KeptBody<unknown>): Promise<string> {
  const digest = await bodyDigest(body)
  return bytesToHex(sha256(utf8ToBytes(`${resource.method}\n${resource.address}\n${digest}`)))
}

const DIGEST_OF_NOTHING = bytesToHex(sha256(new Uint8Array()))

/** SHA-256 of what a body says, in hex. A form and the bytes that spell it out are told apart. */
async function bodyDigest(body: KeptBody<unknown>): Promise<string> {
  // Most requests that are paid for have no body.
  if (body.empty) return DIGEST_OF_NOTHING
  const hash = sha256.create()
  if (!body.exact) hash.update(utf8ToBytes('form\0'))
  for await (const piece of body.pieces()) hash.update(piece)
  return bytesToHex(hash.digest())
}
