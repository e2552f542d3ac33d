import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { keccak256, stringToHex } from 'viem'
import { createPurser, type PolicyDocument } from '../src/index.js'
import { memoryLedger } from '../src/ledger/memory.js'
import { evm } from '../src/wallet/evm/index.js'
import { cpuRatio, micros, type Row, ratio, sideBySide } from './measure.js'
import { account, ORIGIN, stubNode, URL_PAID } from './stubs.js'

const CHAIN = 84532
const NETWORK = `eip155:${CHAIN}` as const
const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const PAYEE = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'

const policy: PolicyDocument = {
  perPayment: '0.10 USD',
  networks: [NETWORK],
  budgets: [{ limit: '1000000000 USD', per: 'day' }],
  vendors: [{ origin: ORIGIN, payees: [PAYEE] }],
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')

const ASKS = encode({
  x402Version: 2,
  error: 'Payment required',
  resource: { url: URL_PAID, description: 'search', mimeType: 'text/plain' },
  accepts: [
    {
      scheme: 'exact',
      network: NETWORK,
      amount: '10000',
      asset: USDC,
      payTo: PAYEE,
      maxTimeoutSeconds: 60,
      extra: { name: 'USDC', version: '2' },
    },
  ],
})
/** It names no transaction: nothing is settled here. */
const SETTLED = encode({ success: true, network: NETWORK, payer: account.address, transaction: '' })

/** A server that asks once and is content with any payment: what is measured is the client alone. */
function stubServer(): (input: unknown, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    const headers = input instanceof Request ? input.headers : new Headers(init?.headers)
    return headers.has('payment-signature')
      ? new Response('tea', { headers: { 'payment-response': SETTLED } })
      : new Response(null, { status: 402, headers: { 'payment-required': ASKS } })
  }
}

/** A paid x402 call in the client, network and chain stubbed, beside one bare signature and the reference client. */
export async function benchX402(): Promise<readonly Row[]> {
  const node = stubNode()
  const purser = createPurser({
    agent: 'bench',
    wallets: [evm({ account, rpc: { [CHAIN]: 'http://127.0.0.1:1' }, fetch: node.fetch })],
    policy,
    ledger: memoryLedger(),
    fetch: stubServer(),
  })
  const client = new x402Client().register(NETWORK, new ExactEvmScheme(account))
  const reference = wrapFetchWithPayment(stubServer(), client)
  const hash = keccak256(stringToHex('a payment'))
  const pay = (fetch: (url: string) => Promise<Response>) => async () => {
    const reply = await fetch(URL_PAID)
    if (reply.status !== 200)
      throw new TypeError(`the bench was not paid: ${reply.status} ${await reply.text()}`)
    await reply.text()
  }
  const [signature, ours, theirs] = await sideBySide(
    [
      { name: 'one bare signature', run: () => account.sign({ hash }) },
      { name: 'purser', run: pay((url) => purser.fetch(url)) },
      { name: '@x402/fetch', run: pay((url) => reference(url)) },
    ],
    { rounds: 40, batch: 20, warmUp: 2_000 },
  )
  node.forget()
  for (let call = 0; call < 200; call++) await purser.fetch(URL_PAID)
  const calls = node.calls() / 200
  await purser.close()
  if (signature === undefined || ours === undefined || theirs === undefined) return []
  return [
    {
      what: 'paid x402 call in the client / one bare signature',
      measured: `${ratio(ours, signature)} (${micros(ours)} / ${micros(signature)}; by CPU ${cpuRatio(ours, signature)}; @x402/fetch ${ratio(theirs, signature)}; ${calls} RPC calls)`,
      target: '≤ 2 ×',
    },
  ]
}
