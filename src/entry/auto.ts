import { startFromEnvironment } from '../config/index.js'

// The import of this module installs Purser: `node --import purser/auto agent.js`.
const started = await startFromEnvironment({
  env: process.env,
  remark: (sentence) => void process.stderr.write(`purser/auto: ${sentence}\n`),
})

/**
 * The purser that the global `fetch` and undici's global dispatcher use. It is created from the environment
 * (`PURSER_POLICY`, `PURSER_TEMPO_KEY_FILE` and others), from the settings file in `PURSER_CONFIG`, and from a policy
 * file.
 *
 * @see docs/auto.md
 */
export const purser = started.purser

/** Restores the previous `fetch` and dispatcher. The purser itself remains open. */
export const restore = started.restore
