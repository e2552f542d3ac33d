import { sha256 } from '@noble/hashes/sha2.js'
import { PaymentError } from '../../errors/index.js'
import { decodeBase64url, encodeBase64url } from '../../protocol/index.js'
import type { PasskeyVerifier } from '../authorize/approval-proof.js'

/**
 * Makes the option `passkeys` of `createPurser`, which checks the answers of passkeys (WebAuthn): the credential, the page
 * and its host name, the challenge, the user verification, and that the authenticator's counter rises. Needs the package
 * `@simplewebauthn/server`, which is loaded when the first answer is checked.
 *
 * @example
 * ```ts
 * import { passkeyVerifier } from 'purser/passkeys'
 *
 * const purser = createPurser({ wallets, policy, passkeys: passkeyVerifier() })
 * ```
 */
export function passkeyVerifier(): PasskeyVerifier {
  /** The last counter of each credential, and the signature that had it: one answer may be checked twice. */
  const counters = new Map<string, { readonly counter: number; readonly signature: string }>()
  return async ({ credential, clientDataJSON, authenticatorData, signature }, key, message) => {
    const { rpId, origins } = key
    const publicKey = decodeBase64url(key.publicKey)
    if (key.type !== 'passkey' || rpId === undefined || origins === undefined || publicKey === undefined)
      return false
    if (credential !== key.credential) return false
    const { verifyAuthenticationResponse } = await loadServer()
    const last = counters.get(credential)
    try {
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: {
          id: credential,
          rawId: credential,
          type: 'public-key',
          clientExtensionResults: {},
          response: { clientDataJSON, authenticatorData, signature },
        },
        expectedChallenge: encodeBase64url(sha256(message)),
        expectedOrigin: [...origins],
        expectedRPID: rpId,
        credential: {
          id: credential,
          publicKey: Uint8Array.from(publicKey),
          counter: last === undefined || last.signature === signature ? 0 : last.counter,
        },
        requireUserVerification: true,
      })
      if (verified && (last === undefined || authenticationInfo.newCounter > last.counter))
        counters.set(credential, { counter: authenticationInfo.newCounter, signature })
      return verified
    } catch {
      // The library throws for every answer that does not fit.
      return false
    }
  }
}

async function loadServer(): Promise<typeof import('@simplewebauthn/server')> {
  try {
    return await import('@simplewebauthn/server')
  } catch (cause) {
    throw new PaymentError(
      'invalid_config',
      'untouched',
      'Passkeys need the package @simplewebauthn/server: install it',
      { cause },
    )
  }
}
