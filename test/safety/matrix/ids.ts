import type { Got, Payer, SetUp } from '../kit.js'
import { AT_ONCE, type Fault } from './faults.js'
import { allCounted, play, silent, twoInARow } from './scene.js'

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

const REPEATS: Fault = { how: 'repeats itself', act: () => ONE_ID }

const one = (payer: Payer): Promise<Got> => payer.call('/a')

const fourAtOnce = async (payer: Payer): Promise<Got> => {
  const [got] = await Promise.all(['/a', '/b', '/c', '/d'].map((path) => payer.call(path)))
  return got ?? {}
}

const cell = (fault: Fault, act: (payer: Payer) => Promise<Got>, how = fault.how) => ({
  dependency: 'ids',
  how,
  way: 'http' as const,
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
