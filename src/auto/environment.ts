import { PaymentError } from '../errors/index.js'

/** What `purser/auto` reads from the environment. */
export interface AutoSettings {
  /** `PURSER_POLICY`: the policy file. */
  readonly policy: string
  /** `PURSER_AGENT`. */
  readonly agent?: string
  /** `PURSER_LEDGER`: the ledger file. Default: the user's state directory. */
  readonly ledger?: string
  /** `PURSER_TEMPO_KEY`, or the contents of the file that `PURSER_TEMPO_KEY_FILE` names. */
  readonly key: { readonly hex: string } | { readonly file: string }
  /** `PURSER_TEMPO_ACCOUNT`: the account that the key is an access key of. Default: the key's own. */
  readonly account?: `0x${string}`
  /** `PURSER_CURRENCIES`: a JSON file with currencies beyond the built-in table. */
  readonly currencies?: string
  /** `PURSER_TEMPO_RPC`: `4217=https://…,42431=https://…`; several URLs of one chain by repeating it. */
  readonly rpc: Readonly<Record<number, readonly string[]>>
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the environment, without touching it.
 *
 * @throws PaymentError `invalid_config` that names the variable and the mend.
 */
export function readEnvironment(env: Environment): AutoSettings {
  const {
    PURSER_POLICY: policy,
    PURSER_AGENT: agent,
    PURSER_LEDGER: ledger,
    PURSER_CURRENCIES: currencies,
  } = env
  if (!policy) throw invalid('PURSER_POLICY must name a policy file: without a policy nothing may be paid')
  return {
    policy,
    key: readKey(env),
    rpc: readRpc(env['PURSER_TEMPO_RPC'] ?? ''),
    ...(agent ? { agent } : {}),
    ...(ledger ? { ledger } : {}),
    ...(currencies ? { currencies } : {}),
    ...readAccount(env['PURSER_TEMPO_ACCOUNT']),
  }
}

function readAccount(text: string | undefined): Pick<AutoSettings, 'account'> {
  if (!text) return {}
  if (!/^0x[0-9a-fA-F]{40}$/.test(text))
    throw invalid('PURSER_TEMPO_ACCOUNT must be the address of the account that the access key acts for')
  return { account: `0x${text.slice(2)}` }
}

function readKey(env: Environment): AutoSettings['key'] {
  const { PURSER_TEMPO_KEY: hex, PURSER_TEMPO_KEY_FILE: file } = env
  if (hex && file) throw invalid('Set PURSER_TEMPO_KEY or PURSER_TEMPO_KEY_FILE, not both')
  if (file) return { file }
  if (hex) return { hex }
  throw invalid('PURSER_TEMPO_KEY (or PURSER_TEMPO_KEY_FILE) must hold the private key to pay with')
}

function readRpc(text: string): Record<number, string[]> {
  const urls: Record<number, string[]> = {}
  for (const entry of text.split(',').filter((part) => part.trim() !== '')) {
    const match = /^\s*([1-9][0-9]{0,15})=(\S+)\s*$/.exec(entry)
    if (match?.[1] === undefined || match[2] === undefined || !URL.canParse(match[2]))
      throw invalid('PURSER_TEMPO_RPC must be a list like 4217=https://rpc.example,42431=https://rpc.example')
    const chain = Number(match[1])
    urls[chain] = [...(urls[chain] ?? []), match[2]]
  }
  return urls
}

function invalid(message: string): PaymentError {
  return new PaymentError('invalid_config', 'untouched', message)
}
