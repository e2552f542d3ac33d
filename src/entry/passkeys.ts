export { type PasskeyVerifier, passkeyVerifier } from '../pay/passkeys/index.js'
