import { startFromEnvironment } from '../auto/index.js'

// Importing this module is what installs: `node --import purser/auto agent.js`.
const started = await startFromEnvironment(process.env)

/**
 * The purser that now stands behind the global `fetch`, made from the environment and a policy file.
 *
 * `PURSER_POLICY` (file), `PURSER_TEMPO_KEY` or `PURSER_TEMPO_KEY_FILE`, and where wanted `PURSER_AGENT`,
 * `PURSER_LEDGER` (file), `PURSER_TEMPO_RPC` (`4217=https://…`), `PURSER_CURRENCIES` (JSON file).
 */
export const purser = started.purser

/** Puts the `fetch` back that was there before; the purser itself stays open. */
export const restore = started.restore
