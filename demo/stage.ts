import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Approver,
  createPurser,
  type FetchLike,
  formatAmount,
  type PolicyDocument,
  type Purser,
} from 'purser'
import { sqliteLedger } from 'purser/ledger/sqlite'
import { tempo } from 'purser/wallet/tempo'
import { privateKeyToAccount } from 'viem/accounts'
import { ACCOUNTS, alphaUSD, type Chain, LOCAL_CURRENCIES, NETWORK, startChain } from '../test/chain/chain.js'
import { type PaidApi, startPaidApi } from '../test/chain/server.js'
import { line } from './screen.js'

/** All that a process needs to act for the agent. It can be sent to another process. */
export interface Role {
  readonly key: `0x${string}`
  readonly rpc: string
  readonly ledger: string
  readonly policy: PolicyDocument
}

/** Where the demo plays: a chain, an API that is paid on it, and an agent with some money and a ledger file. */
export interface Stage {
  readonly chain: Chain
  readonly api: PaidApi
  readonly role: Role
  /** What the vendor's account has gained since the demo began, in smallest parts of AlphaUSD. */
  earned(): Promise<bigint>
  clear(): Promise<void>
}

export async function setStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'purser-demo-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const chain = await startChain()
  const api = await startPaidApi({ chain })
  const { key } = await chain.account(5_000_000n)
  const before = await chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)
  return {
    chain,
    api,
    role: { key, rpc: chain.url, ledger: join(folder, 'ledger.sqlite'), policy: policyFor(api) },
    earned: async () => (await chain.balanceOf(alphaUSD, ACCOUNTS.payee.address)) - before,
    async clear() {
      await api.close()
      await chain.stop()
    },
  }
}

function policyFor(api: PaidApi): PolicyDocument {
  return {
    name: 'demo',
    perPayment: '0.50',
    maxFee: '0.05',
    budgets: [{ limit: '1.00', per: 'day' }],
    vendors: [{ origin: api.origin, methods: ['GET'] }],
    currencies: [alphaUSD.id],
    networks: [NETWORK],
    ask: [{ above: '0.10' }],
  }
}

/** The agent's purser: the same wallet, policy and ledger file in every process. */
export function purserFor(role: Role, fetch?: FetchLike): Purser {
  return createPurser({
    agent: 'researcher',
    wallets: [tempo({ account: privateKeyToAccount(role.key), rpc: { 31337: role.rpc } })],
    policy: role.policy,
    ledger: sqliteLedger({ path: role.ledger }),
    currencies: LOCAL_CURRENCIES,
    approver,
    ...(fetch === undefined ? {} : { fetch }),
  })
}

const approver: Approver = async ({ agent, terms, resource, reasons }) => {
  line('asks', `${agent} wants to pay ${formatAmount(terms.most)} for ${resource.operation}.`, 'yellow')
  line('reason', reasons.map(({ message }) => message).join(' '))
  line('answer', 'yes, by ann', 'yellow')
  return { approved: true, by: 'ann' }
}
