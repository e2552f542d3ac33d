import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { formatAmount, type Payment, type Purser } from 'purser'
import { formatUnits } from 'purser/wallet'
import { moved, refused } from './acts.js'
import { promise } from './promise.js'
import { act, line, table } from './screen.js'
import { purserFor, type Stage } from './stage.js'

const VICTIM = fileURLToPath(new URL('victim.ts', import.meta.url))

/** A second process pays and is killed at the worst moment; a third one opens the ledger and knows of it. */
export async function survivesAKill(stage: Stage): Promise<void> {
  act('A process is killed between the payment and its answer')
  const { role, api } = stage
  const before = await stage.earned()
  const child = fork(VICTIM, {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  child.send({ role, url: api.url('/price/0.15') })
  const [, signal] = await once(child, 'exit')
  line('killed', `process ${child.pid} by ${signal}, after the money moved and before the answer came`, 'red')
  promise(
    'the killed process had paid 0.15 AlphaUSD',
    signal === 'SIGKILL' && (await stage.earned()) - before === 150_000n,
  )

  act('Another process opens the same ledger')
  await using purser = purserFor(role)
  const [budget] = await purser.budgets()
  line('budget', budget?.message ?? 'none')
  promise('the unfinished payment still counts', (budget?.held ?? 0n) >= 150_000_000n)
  await refused(purser, api, '/price/0.30', 'budget.day')
  await showBooks(purser, stage)
}

/** The whole ledger, against the chain. */
async function showBooks(purser: Purser, stage: Stage): Promise<void> {
  act('The payments in the ledger')
  // Receipts settle a price; what the chain took as fee is read from the chain itself.
  await purser.recover({ reconcile: true })
  const payments: Payment[] = []
  for await (const payment of purser.payments({ order: 'oldest' })) payments.push(payment)
  table([['state', 'price', 'fee', 'for', 'reason'], ...payments.map(row)])
  const [budget] = await purser.budgets()
  if (budget !== undefined) line('budget', `${budget.message}; ${formatUnits(budget.remaining, 'USD')} left`)
  const total = payments.reduce((sum, payment) => sum + moved(payment), 0n)
  const earned = await stage.earned()
  promise(`the ledger and the chain agree on ${Number(earned) / 1e6} AlphaUSD`, total === earned)
  promise('the agent spent at most 1 USD', (budget?.spent ?? 0n) + (budget?.held ?? 0n) <= 1_000_000_000n)
}

function row(payment: Payment): string[] {
  const { state, terms, fee, resource, delivered, reasons } = payment
  const reason = state === 'denied' ? reasons.map(({ rule }) => rule).join(', ') : ''
  const note = state === 'settled' && !delivered ? 'its answer was lost' : reason
  return [
    state === 'committed' ? 'in doubt' : state,
    formatAmount(terms.most),
    fee === undefined ? '' : formatAmount(fee),
    resource.operation,
    note,
  ]
}
