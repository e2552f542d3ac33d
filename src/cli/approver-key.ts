import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { othersMayUse } from '../config/index.js'
import { type Approval, type ApprovalProof, approvalMessage, approvalTermsHash } from '../index.js'
import { misuse } from './misuse.js'

/** The key that signs a person's answers: Ed25519, in a PEM file of PKCS #8. */
export interface ApproverKeyFile {
  readonly path: string
  /** In base64url, as the policy has it. */
  readonly publicKey: string
  readonly key: KeyObject
}

/**
 * Creates a key in a new file that only its user can read.
 *
 * @param passphrase - Encrypts the file. Undefined: everyone who can read the file can answer.
 * @returns The public key in base64url.
 * @throws PaymentError `invalid_config` if the file exists.
 */
export async function createApproverKey(path: string, passphrase: string | undefined): Promise<string> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }),
  })
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  try {
    await writeFile(path, pem, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (Object(error).code !== 'EEXIST') throw error
    throw misuse(`${path} exists already. Name another file with --out, or delete it if nobody needs it`)
  }
  return rawPublicKey(publicKey)
}

/**
 * Reads a key.
 *
 * @param passphrase - Asks for the passphrase. It is called only if the file is encrypted.
 * @throws PaymentError `invalid_config` that names the file and the fix. The content of the file is in no message.
 */
export async function readApproverKey(
  path: string,
  passphrase: () => Promise<string>,
): Promise<ApproverKeyFile> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw misuse(`There is no key at ${path}: purser approver create NAME makes one`)
  if (othersMayUse(found)) throw misuse(`Other users can read ${path}: chmod 600 ${path}`)
  const pem = await readFile(path, 'utf8')
  const secret = pem.includes('BEGIN ENCRYPTED PRIVATE KEY') ? await passphrase() : undefined
  try {
    const key = createPrivateKey({ key: pem, ...(secret === undefined ? {} : { passphrase: secret }) })
    if (key.asymmetricKeyType === 'ed25519')
      return { path, key, publicKey: rawPublicKey(createPublicKey(key)) }
  } catch {
    // The message of the library is dropped, because it may quote the file.
    throw misuse(
      secret === undefined
        ? `${path} holds no private key in PEM`
        : `${path} cannot be decrypted with this passphrase`,
    )
  }
  throw misuse(`${path} holds a key of another type: an approver's key is Ed25519`)
}

/**
 * Signs an answer. The hash of the terms is computed from the terms that were shown, so a question whose hash was changed
 * is not signed.
 *
 * @throws PaymentError `invalid_config` if the hash of the question is not that of its terms.
 */
export function signAnswer(
  question: Approval,
  decision: 'approve' | 'deny',
  { key, publicKey }: ApproverKeyFile,
): ApprovalProof {
  if (approvalTermsHash(question) !== question.termsHash)
    throw misuse(
      'The question in the ledger was changed: its hash is not the hash of its terms. It is not signed',
    )
  const at = Date.now()
  const nonce = randomBytes(18).toString('base64url')
  const message = approvalMessage(question, { decision, at, nonce })
  return { publicKey, at, nonce, signature: sign(null, message, key).toString('base64url') }
}

function rawPublicKey(key: KeyObject): string {
  const { x } = key.export({ format: 'jwk' })
  if (x === undefined) throw misuse('The key has no public part')
  return x
}
