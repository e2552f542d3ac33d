import { recoverAddress } from 'viem/utils'
import { failed, type Hex, lower } from '../chain/index.js'

/** Structured data of EIP-712, as `eth_signTypedData_v4` and viem's `signTypedData` take it. */
export interface EvmTypedData {
  readonly domain: {
    readonly name: string
    readonly version?: string
    readonly chainId: number
    readonly verifyingContract: Hex
  }
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>
  readonly primaryType: string
  readonly message: Readonly<Record<string, unknown>>
}

/**
 * An account that signs hashes: viem's `privateKeyToAccount`, or a key in a vault through viem's `toAccount` with
 * `sign`.
 */
export interface EvmHashAccount {
  readonly address: Hex
  readonly type: 'local'
  readonly sign: (parameters: { hash: Hex }) => Promise<Hex>
}

/**
 * An account that signs typed data but no hashes: a wallet behind EIP-1193, or a hosted signer. It can pay by
 * `authorization` and `permit2`. It must have its own private key (no contract account): Purser compares each signature
 * with its address.
 */
export interface EvmTypedDataAccount {
  readonly address: Hex
  readonly signTypedData: (data: EvmTypedData) => Promise<Hex>
  /** Signs a text (`personal_sign`). If absent, the wallet does not sign in to sites. */
  readonly signMessage?: (parameters: { message: string }) => Promise<Hex>
}

/** The account option. An account of viem may declare `sign` as missing. */
export type EvmAccount =
  | (Omit<EvmHashAccount, 'sign'> & { readonly sign?: EvmHashAccount['sign'] | undefined })
  | EvmTypedDataAccount

export interface EvmSigner {
  /** True if it signs typed data but no hashes. It then makes no transactions. */
  readonly typedOnly: boolean
  /** Signs any hash. Rejects if the account signs typed data only. */
  sign(hash: Hex): Promise<Hex>
  signTyped(hash: Hex, data: EvmTypedData): Promise<Hex>
  /** Absent if the account signs no texts. */
  signText?(hash: Hex, text: string): Promise<Hex>
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/

/** @throws TypeError if the value is not an account, or if the account can sign no kind of payment. */
export function checkAccount(given: unknown): { readonly address: Hex; readonly signer: EvmSigner } {
  const account: {
    readonly address?: unknown
    readonly type?: unknown
    readonly sign?: unknown
    readonly signTypedData?: unknown
    readonly signMessage?: unknown
  } = Object(given)
  const { address, sign, signTypedData, signMessage, type } = account
  if (typeof address !== 'string' || !isAddress(address))
    throw new TypeError('evm() needs an account, for example privateKeyToAccount(key) from viem/accounts')
  const call = async (method: unknown, parameters: unknown): Promise<Hex> =>
    typeof method === 'function' ? Reflect.apply(method, account, [parameters]) : Promise.reject(TYPED_ONLY())
  if (type === 'local' && typeof sign === 'function') {
    const signHash = (hash: Hex): Promise<Hex> => call(sign, { hash })
    return { address, signer: { typedOnly: false, sign: signHash, signTyped: signHash, signText: signHash } }
  }
  if (typeof signTypedData !== 'function')
    throw new TypeError(
      'evm() needs an account that can sign hashes (a local account of viem), or typed data: { address, signTypedData }',
    )
  const signer: EvmSigner = {
    typedOnly: true,
    sign: () => Promise.reject(TYPED_ONLY()),
    signTyped: async (hash, data) => ownSignature(hash, await call(signTypedData, data), address),
  }
  if (typeof signMessage !== 'function') return { address, signer }
  const signText = async (hash: Hex, message: string): Promise<Hex> =>
    ownSignature(hash, await call(signMessage, { message }), address)
  return { address, signer: { ...signer, signText } }
}

function isAddress(text: string): text is Hex {
  return ADDRESS.test(text)
}

const TYPED_ONLY = () => failed('This account signs typed data only')

/**
 * Checks that a signature is the account's own for this hash. A remote signer may show the data to a person, change it,
 * or use another key.
 */
async function ownSignature(hash: Hex, signature: Hex, address: Hex): Promise<Hex> {
  if (lower(await recoverAddress({ hash, signature })) !== lower(address))
    throw failed('The account signed something else, or is a contract, which cannot pay here')
  return signature
}
