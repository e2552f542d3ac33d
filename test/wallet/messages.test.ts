import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import type { PurserOptions } from '../../src/index.js'
import { type SessionOptions, tempoSession } from '../../src/session/index.js'
import { type EvmOptions, evm } from '../../src/wallet/evm/index.js'
import { type LightningOptions, lightning } from '../../src/wallet/lightning/index.js'
import { type StripeOptions, stripe } from '../../src/wallet/stripe/index.js'
import { type TempoOptions, tempo } from '../../src/wallet/tempo/index.js'
import { account } from './evm/harness.js'

// A message that names an option must name one that is there, and an option that is wrong must be named.

type NamesOf<T> = T extends unknown ? keyof T : never
/** The compiler holds this to the options of the wallet: every name stands here, and no other. */
const names = <T>(all: Readonly<Record<NamesOf<T>, true>>): readonly string[] => Object.keys(all)

const TEMPO = names<TempoOptions>({
  account: true,
  accessKey: true,
  rpc: true,
  chains: true,
  currencies: true,
  mode: true,
  lanes: true,
  feeToken: true,
  clientId: true,
  maxFeePerGas: true,
  maxPriorityFeePerGas: true,
  gas: true,
  validityMs: true,
  fetch: true,
  random: true,
  now: true,
})
const SESSION = names<SessionOptions>({
  account: true,
  authorizedSigner: true,
  deposit: true,
  topUp: true,
  escrows: true,
  protocol: true,
  rpc: true,
  chains: true,
  currencies: true,
  feeToken: true,
  maxFeePerGas: true,
  maxPriorityFeePerGas: true,
  validityMs: true,
  fetch: true,
  random: true,
  now: true,
})
const EVM = names<EvmOptions>({
  account: true,
  rpc: true,
  chains: true,
  currencies: true,
  domains: true,
  ways: true,
  gas: true,
  validityMs: true,
  fetch: true,
  now: true,
})
const STRIPE = names<StripeOptions>({
  secretKey: true,
  client: true,
  paymentMethod: true,
  createToken: true,
  retrieveToken: true,
  revokeToken: true,
  livemode: true,
  account: true,
  paymentMethodTypes: true,
  validityMs: true,
  onActionRequired: true,
  returnUrl: true,
  apiVersion: true,
  now: true,
})
const LIGHTNING = names<LightningOptions>({
  node: true,
  payInvoice: true,
  lookUpPayment: true,
  network: true,
  maxFee: true,
  timeoutMs: true,
  now: true,
})

const OF_PURSER: readonly (keyof PurserOptions)[] = ['currencies']
/** A method of the account, and no option. */
const OF_ACCOUNT: readonly string[] = ['signMessage']

/** Who has the messages of a folder: what is shared is said of each of them. */
const FOLDERS: readonly (readonly [folder: string, wallets: readonly (readonly string[])[]])[] = [
  ['wallet/chain', [TEMPO, SESSION, EVM]],
  ['wallet/tempo', [TEMPO]],
  ['wallet/evm', [EVM]],
  ['wallet/stripe', [STRIPE]],
  ['wallet/lightning', [LIGHTNING]],
  ['session', [SESSION]],
]

interface Said {
  readonly option: string
  readonly message: string
}

/** What stands between backquotes in the messages of a folder, and whatever they call an option. */
function namedIn(folder: string): readonly Said[] {
  const root = new URL(`../../src/${folder}/`, import.meta.url)
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  return files
    .flatMap((file) => messagesIn(readFileSync(new URL(file, root), 'utf8')))
    .flatMap((message) =>
      [...message.matchAll(/`([a-z]\w*)[^`]*`|\bthe (\w+) option\b/gi)].map(([, quoted, bare]) => ({
        option: quoted ?? bare ?? '',
        message,
      })),
    )
}

function messagesIn(text: string): readonly string[] {
  const messages: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) messages.push(node.text)
    if (ts.isTemplateExpression(node))
      messages.push(node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join(''))
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('', text, ts.ScriptTarget.Latest))
  return messages
}

describe('messages name existing options', () => {
  it.each(FOLDERS)('%s', (folder, wallets) => {
    const said = namedIn(folder)
    const wrong = said.filter(({ option, message }) => {
      if (message.includes('of createPurser')) return !OF_PURSER.some((name) => name === option)
      return !OF_ACCOUNT.includes(option) && wallets.some((options) => !options.includes(option))
    })
    expect(wrong).toEqual([])
    expect(said).not.toEqual([])
  })
})

const BAD = { nonsense: 'nonsense' }
const RPC = { 31337: 'http://127.0.0.1:1' }
const node = { node: 'alice', payInvoice: () => {}, lookUpPayment: () => {} }
const keyed = { secretKey: 'sk_test_1', paymentMethod: 'pm_1' }
const made = { createToken: () => {}, paymentMethod: 'pm_1', livemode: false }

const WALLETS: readonly (readonly [string, (options: never) => unknown, object, readonly string[]])[] = [
  ['tempo', tempo, { account, rpc: RPC }, TEMPO],
  ['tempoSession', tempoSession, { account, rpc: RPC }, SESSION],
  ['evm', evm, { account, rpc: RPC }, EVM],
  ['stripe with a key', stripe, keyed, STRIPE.filter((name) => !/Token$|^client$/.test(name))],
  [
    'stripe with tokens',
    stripe,
    made,
    STRIPE.filter((name) => !/^(secretKey|client|returnUrl|apiVersion)$/.test(name)),
  ],
  ['lightning', lightning, node, LIGHTNING],
]

describe.each(WALLETS)('%s() that is configured wrongly', (_, make, right, options) => {
  it.each(options)('reports %s', (option) => {
    expect(() => make({ ...right, [option]: BAD } as never)).toThrow(TypeError)
    expect(() => make({ ...right, [option]: BAD } as never)).toThrow(new RegExp(`\\b${option}\\b`))
  })
})
