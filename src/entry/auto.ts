import { startFromEnvironment } from '../config/index.js'

// Importing this module installs Purser: `node --import purser/auto agent.js`.
const started = await startFromEnvironment({
  env: process.env,
  remark: (sentence) => void process.stderr.write(`purser/auto: ${sentence}\n`),
})

/**
 * The purser behind the global `fetch` and undici's global dispatcher. It is created from the environment
 * (`PURSER_POLICY`, `PURSER_TEMPO_KEY_FILE` and others), from the settings file that `PURSER_CONFIG` names, and from a
 * policy file.
 *
 * @see docs/auto.md
 */
export const purser = started.purser

/** Restores the previous `fetch` and dispatcher. The purser itself stays open. */
export const restore = started.restore
