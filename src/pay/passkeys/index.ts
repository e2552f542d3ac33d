export type { PasskeyVerifier } from '../authorize/approval-proof.js'
export { passkeyVerifier } from './verifier.js'
