import type { Deal } from './case.js'
import { dueAt, examine, leave } from './doubt.js'
import type { Env } from './env.js'

/** Committed when nobody waited any more: it never leaves, and counts until its wallet says what became of it. */
export async function leaveUnsent({ committed }: Deal, env: Env): Promise<void> {
  try {
    await examine(await leave(committed, dueAt(committed), env), env)
  } catch (error) {
    env.emitter.emit('error', { error, during: 'looking after an abort' })
  }
}
