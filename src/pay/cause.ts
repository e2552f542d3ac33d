import type { Call, Env } from './env.js'
import { redactedError } from './redacted-error.js'

/**
 * What an error of ours may name as its cause. Loggers print causes whole, so that it is the error as anybody may see it;
 * listeners of `error` can ask for what was thrown. A caller's own reason to give up is his, and is kept.
 */
export function causeFor(thrown: unknown, { signal }: Call, env: Env): unknown {
  if (signal?.aborted === true && thrown === signal.reason) return thrown
  const shown = redactedError(thrown)
  if (shown !== thrown) env.emitter.emit('error', { error: thrown, during: 'payment' })
  return shown
}
