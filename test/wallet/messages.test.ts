import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import type { PurserOptions } from '../../src/index.js'
import { tempoSession } from '../../src/session/index.js'
import { SESSION_OPTIONS } from '../../src/session/options.js'
import { evm } from '../../src/wallet/evm/index.js'
import { EVM_OPTIONS } from '../../src/wallet/evm/options.js'
import { lightning } from '../../src/wallet/lightning/index.js'
import { LIGHTNING_OPTIONS } from '../../src/wallet/lightning/options.js'
import { stripe } from '../../src/wallet/stripe/index.js'
import { STRIPE_OPTIONS } from '../../src/wallet/stripe/options.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { TEMPO_OPTIONS } from '../../src/wallet/tempo/options.js'
import { account } from './evm/harness.js'

// A message that names an option must name one that is there, and an option that is wrong must be named.

const TEMPO = Object.keys(TEMPO_OPTIONS)
const SESSION = Object.keys(SESSION_OPTIONS)
const EVM = Object.keys(EVM_OPTIONS)
const STRIPE = Object.keys(STRIPE_OPTIONS)
const LIGHTNING = Object.keys(LIGHTNING_OPTIONS)

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
