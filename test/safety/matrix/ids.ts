import type { Got, Payer, SetUp } from '../kit.js'
import { AT_ONCE, type Fault } from './faults.js'
import { play, type Rule, silent } from './scene.js'

const ONE_ID = '6c1e5b2a-8f0d-4c3b-9a7e-2f4d6b8a0c1e'

/** Runs with another source of ids in the whole process, which has no port of its own for it. */
async function withIds<T>(fault: Fault, scene: () => Promise<T>): Promise<T> {
  const own = Object.getOwnPropertyDescriptor(crypto, 'randomUUID')
  Object.defineProperty(crypto, 'randomUUID', { configurable: true, value: fault.act })
  try {
    return await scene()
  } finally {
    if (own === undefined) Reflect.deleteProperty(crypto, 'randomUUID')
    else Object.defineProperty(crypto, 'randomUUID', own)
  }
}

/** Time stands still, so that nothing but the source tells two ids apart. */
const stopped = (): SetUp => {
  const now = Date.now()
  return { purser: { clock: { now: () => now, monotonic: () => 0 } } }
}

/** Nothing that left is missing in what is counted. */
const allCounted: Rule = async ({ server, payer }) => {
  const left = new Set(server.paid.map(({ credential }) => credential?.raw)).size
  const cents = await payer.counted()
  return cents >= left * 3.06 ? undefined : `${left} credentials left, and ${cents} cents are counted`
}

const REPEATS: Fault = { how: 'repeats itself', act: () => ONE_ID }

const one = (payer: Payer): Promise<Got> => payer.call('/a')

const twoInARow = async (payer: Payer): Promise<Got> => {
  await payer.call('/a')
  return payer.call('/b')
}

const fourAtOnce = async (payer: Payer): Promise<Got> => {
  const [got] = await Promise.all(['/a', '/b', '/c', '/d'].map((path) => payer.call(path)))
  return got ?? {}
}

const cell = (fault: Fault, act: (payer: Payer) => Promise<Got>, how = fault.how) => ({
  dependency: 'ids',
  how,
  alone: true as const,
  run: () =>
    play({ set: stopped, act: (payer) => withIds(fault, () => act(payer)), rules: [allCounted, silent] }),
})

/** Names of payments and of processes. */
export const IDS = [
  ...AT_ONCE.map((fault) => cell(fault, one)),
  cell(REPEATS, twoInARow),
  cell(REPEATS, fourAtOnce, 'repeats itself, in calls at once'),
]
