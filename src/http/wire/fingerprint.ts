import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { HttpResource } from '../../protocol/index.js'
import type { KeptBody } from '../body.js'

/** Hashes method, address and body digest. The result is the same for the same request in any process. */
export async function fingerprintOf(resource: HttpResource, body: KeptBody<unknown>): Promise<string> {
  const digest = await bodyDigest(body)
  return bytesToHex(sha256(utf8ToBytes(`${resource.method}\n${resource.address}\n${digest}`)))
}

const DIGEST_OF_NOTHING = bytesToHex(sha256(new Uint8Array()))

/** Returns the SHA-256 of a body in hex. A form has another digest than the bytes that describe it. */
async function bodyDigest(body: KeptBody<unknown>): Promise<string> {
  // Most paid requests have no body.
  if (body.empty) return DIGEST_OF_NOTHING
  const hash = sha256.create()
  if (!body.exact) hash.update(utf8ToBytes('form\0'))
  for await (const piece of body.pieces()) hash.update(piece)
  return bytesToHex(hash.digest())
}
