import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Mppx, evm as mppxEvm, tempo as mppxTempo } from 'mppx/client'
import { createClient, http, type LocalAccount } from 'viem'
import { tempo as tempoChain } from 'viem/tempo/chains'
import { memoryLedger } from '../../src/entry/ledger-memory.js'
import { sqliteLedger } from '../../src/entry/ledger-sqlite.js'
import { type Approver, createPurser, type PolicyDocument, token } from '../../src/index.js'
import { tempoSession } from '../../src/session/index.js'
import { type EvmTypedData, evm } from '../../src/wallet/evm/index.js'
import { stripe } from '../../src/wallet/stripe/index.js'
import { tempo } from '../../src/wallet/tempo/index.js'
import { METHODS } from '../stripe/tokens.js'
import { clientOf } from '../stripe/world.js'
import type { Rail, Told } from './cases/index.js'
import { alphaUSD, policyFor } from './kit.js'
import { mcpCaller } from './mcp-caller.js'
import { CHAIN_ID, ESCROW, EURO, OTHER_DOLLAR } from './offers.js'
import { EVM_CHAIN_ID, NETWORK } from './x402-offers.js'

/** What a client has to pay with, and what its user says to it. */
export interface Site {
  /** Whom the user means to pay. */
  readonly origins: readonly string[]
  /** Signs for whoever asks, and counts. */
  readonly account: LocalAccount
  /** The addresses of a node of each chain. */
  readonly rpc: Readonly<Record<'tempo' | 'evm', string>>
  /** Where Stripe is, in cases that are paid through it. */
  readonly stripe?: { readonly host: '127.0.0.1'; readonly port: number }
  readonly rail: Rail
  readonly told: Told
  /** Where state may be kept: the same after a restart. */
  readonly folder: string
  /** The person who is asked, for clients that can ask one. */
  readonly shown: (text: string) => void
}

/** `makesBody` makes the body of each request anew, for clients that ask for it again. */
export interface ContestantInit extends RequestInit {
  readonly makesBody?: () => string
}

/** A client under attack: a `fetch` that pays. */
export interface Contestant {
  fetch(url: string, init?: ContestantInit): Promise<Response>
  close(): Promise<void>
}

export interface Client {
  readonly name: string
  /** How it is set up here, in words. */
  readonly set: string
  /** What it can be told, by what it pays with; a case that needs more says so. On other rails it is not tried. */
  readonly hears: Readonly<Partial<Record<Rail, readonly (keyof Told)[]>>>
  make(site: Site): Contestant
}

const EVERYTHING = [
  'limit',
  'budget',
  'payees',
  'vendor',
  'priceJump',
  'newVendor',
  'advertised',
  'person',
  'once',
  'deposits',
  'currencies',
  'maxFee',
  'typedOnly',
] as const satisfies readonly (keyof Told)[]

const purser: Client = {
  name: 'purser',
  set: 'It is told: this origin, these two chains, at most 0.10 USD a payment and 1 USD a day, unless the case says otherwise.',
  hears: {
    tempo: EVERYTHING,
    session: EVERYTHING,
    evm: EVERYTHING,
    stripe: EVERYTHING,
    mcp: EVERYTHING,
  },
  make({ origins, account, rpc, rail, stripe: api, told, folder, shown }) {
    const approver: Approver = async (request) => {
      shown(request.serverSays ?? '')
      return { approved: told.person === 'yes', by: 'ann' }
    }
    const made = createPurser({
      agent: 'victim',
      wallets: [
        tempo({ account, rpc: { [CHAIN_ID]: rpc.tempo } }),
        ...(rail === 'session'
          ? [tempoSession({ account, rpc: { [CHAIN_ID]: rpc.tempo }, escrows: [ESCROW], deposit: '0.05' })]
          : []),
        evm({ account: told.typedOnly ? typedOnly(account) : account, rpc: { [EVM_CHAIN_ID]: rpc.evm } }),
        ...(api === undefined
          ? []
          : [stripe({ client: clientOf(api), paymentMethod: METHODS.works, livemode: false })]),
      ],
      policy: policyOf(rail === 'mcp' ? vendorsOf(origins) : origins, told, rail),
      currencies: [alphaUSD, otherDollar, euro],
      ledger: folder === '' ? memoryLedger() : sqliteLedger({ path: join(folder, 'ledger.db') }),
      patience: 0,
      ...(told.person === undefined ? {} : { approver }),
    })
    if (rail === 'mcp') return mcpCaller(made, serverNames(origins))
    return {
      async fetch(url, init) {
        if (told.advertised) await made.discover(new URL(url).origin)
        const { makesBody, ...rest } = init ?? {}
        return made.fetch(url, makesBody === undefined ? rest : { ...rest, payment: { body: makesBody } })
      },
      close: () => made.close(),
    }
  },
}

/** As a wallet behind EIP-1193 or a hosted signer is. */
const typedOnly = ({ address, signTypedData }: LocalAccount) => ({
  address,
  signTypedData: (data: EvmTypedData) => signTypedData(data as never),
})

const onTempo = { decimals: 6 } as const
const otherDollar = token(`eip155:${CHAIN_ID}`, OTHER_DOLLAR, {
  ...onTempo,
  symbol: 'BetaUSD',
  peg: 'iso4217:USD',
})
const euro = token(`eip155:${CHAIN_ID}`, EURO, { ...onTempo, symbol: 'AlphaEUR', peg: 'iso4217:EUR' })

function policyOf(origins: readonly string[], told: Told, rail: Rail): PolicyDocument {
  const ask: NonNullable<PolicyDocument['ask']> = [
    ...(told.priceJump === undefined ? [] : [{ priceJump: told.priceJump }]),
    ...(told.advertised === undefined ? [] : [{ aboveAdvertised: true as const }]),
    ...(told.newVendor === undefined ? [] : [{ newVendor: true as const }]),
    ...(told.person === undefined ? [] : [{ above: '0.001' }]),
  ]
  const { payees } = told
  const vendors = (told.vendor === undefined || told.vendor === 'this' ? origins : [told.vendor]).map(
    (origin) => ({
      origin,
      ...(payees === undefined ? {} : { payees: [...payees] }),
      ...(rail === 'session' ? { escrows: [ESCROW] } : {}),
    }),
  )
  return policyFor('', {
    policy: {
      networks: [`eip155:${CHAIN_ID}`, NETWORK, 'stripe:test'],
      perPayment: `${told.limit ?? '0.10'} USD`,
      budgets: [{ limit: `${told.budget ?? '1'} USD`, per: 'day' }],
      vendors,
      ...(told.currencies === undefined ? {} : { currencies: [alphaUSD.id] }),
      ...(told.maxFee === undefined ? {} : { maxFee: `${told.maxFee} USD` }),
      ...(rail === 'session' ? { deposits: `${told.deposits ?? '0.50'} USD` } : {}),
      ...(ask.length === 0 ? {} : { ask }),
      // biome-ignore lint/suspicious/noThenProperty: a key of the document
      ...(told.once === undefined ? {} : { repeat: { within: '1h', then: 'deny' as const } }),
    },
  })
}

/** The names that a user gives to the MCP servers at these origins. */
function serverNames(origins: readonly string[]): ReadonlyMap<string, string> {
  return new Map(origins.map((origin, index) => [origin, `shop${index}`]))
}

function vendorsOf(origins: readonly string[]): readonly string[] {
  return [...serverNames(origins).values()].map((name) => `mcp:${name}`)
}

const mppx: Client = {
  name: 'mppx',
  set: `Version ${versionOf('mppx')}: default options; on Tempo allowedChainIds, and expectedRecipients where the case lists payees; on the other chain networks, currencies and maxAmount.`,
  hears: { tempo: ['payees'], evm: ['limit'] },
  make({ account, rpc, told }) {
    const client = createClient({
      account,
      chain: { ...tempoChain, id: CHAIN_ID },
      transport: http(rpc.tempo, { retryCount: 0 }),
    })
    const { payees } = told
    const made = Mppx.create({
      polyfill: false,
      methods: [
        mppxTempo.charge({
          account,
          getClient: () => client,
          allowedChainIds: [CHAIN_ID],
          ...(payees === undefined ? {} : { expectedRecipients: payees as readonly `0x${string}`[] }),
        }),
        mppxEvm.charge({
          account,
          networks: [EVM_CHAIN_ID],
          currencies: [mppxEvm.assets.baseSepolia.USDC],
          maxAmount: '0.10',
        }),
      ],
    })
    return { fetch: (url, init) => made.fetch(url, init), close: async () => undefined }
  },
}

function versionOf(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')).version
}

/** Whoever is added here is tried with every case: `npm run safety -- --client <name>`. */
export const CLIENTS: readonly Client[] = [purser, mppx]
