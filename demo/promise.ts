import { paint } from './screen.js'

/** A promise that the demo saw broken. */
class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise'
}

let kept = 0

/** How many promises were seen to hold. */
export function promisesKept(): number {
  return kept
}

/** Shows that a promise holds, or ends the demo: what it prints is checked, not only said. */
export function promise(message: string, holds: boolean): asserts holds {
  if (!holds) throw new BrokenPromise(message)
  kept++
  console.log(`   ${paint('green', '✓')} ${message}`)
}
