import { startFromEnvironment } from '../config/index.js'

// Importing this module is what installs: `node --import purser/auto agent.js`.
const started = await startFromEnvironment({
  env: process.env,
  remark: (sentence) => void process.stderr.write(`purser/auto: ${sentence}\n`),
})

/**
 * The purser that now stands behind the global `fetch` and undici's global dispatcher, made from the environment
 * (`PURSER_POLICY`, `PURSER_TEMPO_KEY_FILE` and others), from the file of settings that `PURSER_CONFIG` names, and from a
 * policy file. `docs/auto.md` lists all settings.
 */
export const purser = started.purser

/** Puts back the `fetch` and the dispatcher that were there before; the purser itself stays open. */
export const restore = started.restore
