// A person in the terminal approves what policy does not allow by itself.
// It needs no chain: the vendor and the wallet are those of purser/testing.
// Run: npx tsx examples/approver.ts
import { createInterface } from 'node:readline/promises'
import { setupServer } from 'msw/node'
import { type Approver, createPurser, formatAmount } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { paidApi, testWallet } from 'purser/testing'

/** Shows what is asked and reads a line. No answer in time, an end of input or anything but `y` is a no. */
const terminal: Approver = async ({ agent, resource, terms, reasons, serverSays }, signal) => {
  const questions = createInterface({ input: process.stdin, output: process.stdout })
  console.log(
    `${agent} wants to pay ${formatAmount(terms.most)} to ${resource.vendor} for ${resource.operation}.`,
  )
  for (const { message } of reasons) console.log(`  ${message}`)
  if (serverSays !== undefined) console.log(`  The server says: ${serverSays}`)
  try {
    const answer = await questions.question('Pay? [y/N] ', { signal })
    return { approved: answer.trim().toLowerCase() === 'y', by: process.env['USER'] ?? 'terminal' }
  } finally {
    questions.close()
  }
}

const api = await paidApi({ 'GET https://api.example/report': '0.25 USD' })
const server = setupServer(...api.handlers)
server.listen()

const purser = createPurser({
  agent: 'researcher',
  wallets: [testWallet()],
  policy: {
    perPayment: '1 USD',
    budgets: [{ limit: '2 USD', per: 'day' }],
    vendors: [{ origin: 'https://api.example' }],
    ask: [{ above: '0.10' }],
    approval: { timeout: '1m' },
  },
  approver: terminal,
  ledger: memoryLedger(),
})

const response = await purser.fetch('https://api.example/report')
const outcome = purser.paymentFor(response)
if (outcome?.state === 'refused') console.log(`${response.status}: ${outcome.reasons.at(-1)?.message}`)
else if (outcome?.state !== 'not_paid')
  console.log(`${response.status}: ${outcome?.state}, approved by ${outcome?.approvedBy}`)

await purser.close()
server.close()
