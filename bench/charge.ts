import { Mppx, tempo as mppxTempo } from 'mppx/client'
import { createClient, http, keccak256, stringToHex } from 'viem'
import { tempo as tempoChain } from 'viem/tempo/chains'
import { createPurser, type PolicyDocument, type Purser } from '../src/index.js'
import { memoryLedger } from '../src/ledger/memory.js'
import { tempo } from '../src/wallet/tempo/index.js'
import { cpuRatio, micros, type Row, ratio, sideBySide } from './measure.js'
import { account, alphaUSD, CHAIN_ID, policy, stubNode, stubServer, URL_PAID } from './stubs.js'

const CALLS = 200

type StubNode = ReturnType<typeof stubNode>

/** A purser that pays stubbed servers by charges. */
export function chargePurser(node: StubNode, rules: PolicyDocument = policy): Purser {
  return createPurser({
    agent: 'bench',
    currencies: [alphaUSD],
    wallets: [tempo({ account, rpc: { [CHAIN_ID]: 'http://127.0.0.1:1' }, fetch: node.fetch })],
    policy: rules,
    ledger: memoryLedger(),
    fetch: stubServer(),
  })
}

/** The same way to pay, by mppx. */
export function mppxCharge(node: StubNode) {
  const client = createClient({
    account,
    chain: { ...tempoChain, id: CHAIN_ID },
    transport: http('http://127.0.0.1:1', { fetchFn: node.fetch }),
  })
  return mppxTempo.charge({ account, getClient: () => client })
}

/** A purser that pays charges of a stubbed server: what `npm run profile` samples. */
export function chargePayer(): { pay(): Promise<void>; close(): Promise<void> } {
  const purser = chargePurser(stubNode())
  return {
    pay: async () => {
      await (await purser.fetch(URL_PAID)).text()
    },
    close: () => purser.close(),
  }
}

/** A paid charge in the client, network and chain stubbed, beside one bare signature and the reference client. */
export async function benchCharge(): Promise<readonly Row[]> {
  const ours = stubNode()
  const theirs = stubNode()
  const purser = chargePurser(ours)
  const reference = Mppx.create({
    polyfill: false,
    fetch: stubServer(),
    methods: [mppxCharge(theirs)],
  })
  const hash = keccak256(stringToHex('a charge'))
  const pay = (fetch: (url: string) => Promise<Response>) => async () => {
    const reply = await fetch(URL_PAID)
    if (reply.status !== 200)
      throw new TypeError(`the bench was not paid: ${reply.status} ${await reply.text()}`)
    await reply.text()
  }
  const server = stubServer()
  const serve = async () => {
    await server(URL_PAID)
    await (await server(URL_PAID, { headers: { authorization: 'Payment' } })).text()
  }
  const [signature, stub, charge, mppx] = await sideBySide(
    [
      { name: 'one bare signature', run: () => account.sign({ hash }) },
      { name: 'the stubbed server', run: serve },
      { name: 'purser', run: pay((url) => purser.fetch(url)) },
      { name: 'mppx', run: pay((url) => reference.fetch(url)) },
    ],
    // A signature runs the same few functions thousands of times, a charge many once: those too must be compiled.
    { rounds: 40, batch: 20, warmUp: 2_000 },
  )
  const calls = await rpcPerCall(
    pay((url) => purser.fetch(url)),
    ours,
  )
  const peerCalls = await rpcPerCall(
    pay((url) => reference.fetch(url)),
    theirs,
  )
  await purser.close()
  if (signature === undefined || stub === undefined || charge === undefined) return []
  return [
    {
      what: 'paid Tempo charge in the client / one bare signature',
      measured: `${ratio(charge, signature)} (${micros(charge)} / ${micros(signature)}; by CPU ${cpuRatio(charge, signature)}; mppx ${ratio(mppx, signature)})`,
      target: '≤ 2 ×',
    },
    {
      what: 'of that, the two replies of the stub server',
      measured: micros(stub),
      target: 'reported',
    },
    {
      what: 'RPC calls per charge in steady state',
      measured: `${calls} (mppx ${peerCalls})`,
      target: '0',
    },
  ]
}

async function rpcPerCall(run: () => Promise<void>, node: ReturnType<typeof stubNode>): Promise<number> {
  node.forget()
  for (let count = 0; count < CALLS; count++) await run()
  return node.calls() / CALLS
}
