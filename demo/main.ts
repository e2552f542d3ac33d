// The main job in one run: `npm run demo`. Everything it shows is checked; it exits with 1 if a promise is broken.
import {
  asksAPerson,
  neverPaysTwice,
  paysWhatPolicyAllows,
  refusesWhatIsTooDear,
  stopsAtTheBudget,
} from './acts.js'
import { promisesKept } from './promise.js'
import { survivesAKill } from './restart.js'
import { line, paint } from './screen.js'
import { purserFor, type Stage, setStage } from './stage.js'

const started = performance.now()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const stage = await setStage()
try {
  introduce(stage)
  await play(stage)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`\n${paint('bold', `${promisesKept()} promises held.`)} ${seconds} s\n`)
} catch (error) {
  console.error(`\n${paint('red', '✗')} ${error instanceof Error ? (error.stack ?? error.message) : error}\n`)
  process.exitCode = 1
} finally {
  await stage.clear()
}

async function play(stage: Stage): Promise<void> {
  const purser = purserFor(stage.role)
  await paysWhatPolicyAllows(purser, stage)
  await asksAPerson(purser, stage)
  await refusesWhatIsTooDear(purser, stage)
  await neverPaysTwice(purser, stage)
  await stopsAtTheBudget(purser, stage)
  await purser.close()
  await survivesAKill(stage)
}

function introduce({ chain, api, role }: Stage): void {
  console.log(`\n${paint('bold', 'Purser')}: an agent buys from a paid API, inside a policy\n`)
  line('chain', `a local Tempo chain (${chain.id}) at ${chain.url}`)
  line('API', `${api.origin}, which answers 402 Payment Required`)
  line('agent', 'researcher, with 5 AlphaUSD')
  line(
    'policy',
    'at most 0.50 USD per payment and 1 USD per day, in AlphaUSD; above 0.10 USD a person must approve',
  )
  line('ledger', role.ledger)
}
