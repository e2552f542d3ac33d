import type { KeyForm } from './key.js'

/** The kinds of keys that an agent can have. A P-256 key pays only as an access key of an account. */
export const AGENT_KEY_TYPES = ['p256', 'secp256k1'] as const

export type AgentKeyType = (typeof AGENT_KEY_TYPES)[number]

/** The private key of an agent. */
export interface AgentKey {
  readonly type: AgentKeyType
  readonly secret: `0x${string}`
}

/** The public part of an agent's key. Its names are those that `delegate()` takes. */
export interface AgentKeyName {
  readonly address: `0x${string}`
  readonly keyType: AgentKeyType
}

/** The text of a key file: 32 bytes in hexadecimal, after `p256:` for a key of that kind. */
export const AGENT_KEY: KeyForm<AgentKey> = {
  what: 'a key of 32 bytes in hexadecimal, with p256: before it if it is a P-256 key',
  parse(text) {
    const [, type, digits] = /^\s*(p256:)?(?:0x)?([0-9a-fA-F]{64})\s*$/.exec(text) ?? []
    if (digits === undefined) return undefined
    return { type: type === undefined ? 'secp256k1' : 'p256', secret: `0x${digits}` }
  },
}

/** Returns the account that signs with the key. */
export async function agentAccount({ type, secret }: AgentKey) {
  if (type === 'secp256k1') {
    const { privateKeyToAccount } = await import('viem/accounts')
    return privateKeyToAccount(secret)
  }
  const { Account } = await import('viem/tempo')
  return Account.fromP256(secret)
}

export async function agentKeyName(key: AgentKey): Promise<AgentKeyName> {
  return { address: (await agentAccount(key)).address, keyType: key.type }
}

/** A key that was made, with the text of its file. */
export interface NewAgentKey extends AgentKeyName {
  readonly text: string
}

/** Makes a key. */
export async function newAgentKey(type: AgentKeyType): Promise<NewAgentKey> {
  const secret = await newSecret(type)
  const { address } = await agentKeyName({ type, secret })
  return { address, keyType: type, text: `${type === 'p256' ? 'p256:' : ''}${secret}\n` }
}

async function newSecret(type: AgentKeyType): Promise<`0x${string}`> {
  if (type === 'p256') return (await import('viem/tempo')).P256.randomPrivateKey()
  return (await import('viem/accounts')).generatePrivateKey()
}
