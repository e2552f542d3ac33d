import { startFromEnvironment } from '../auto/index.js'

// Importing this module is what installs: `node --import purser/auto agent.js`.
const started = await startFromEnvironment({
  env: process.env,
  remark: (sentence) => void process.stderr.write(`purser/auto: ${sentence}\n`),
})

/**
 * The purser that now stands behind the global `fetch`, made from the environment and a policy file.
 *
 * `PURSER_POLICY` (file), one of `PURSER_TEMPO_KEY_FILE`, `PURSER_TEMPO_KEY_FD`, `PURSER_TEMPO_KEY_CREDENTIAL` and
 * `PURSER_TEMPO_KEY`, and if wanted `PURSER_AGENT`, `PURSER_LEDGER` (file), `PURSER_TEMPO_ACCOUNT`, `PURSER_TEMPO_RPC`
 * (`4217=https://…`), `PURSER_CURRENCIES` (JSON file), `PURSER_TEMPO_KEY_UNLINK`, `PURSER_LOG`.
 */
export const purser = started.purser

/** Puts the `fetch` back that was there before; the purser itself stays open. */
export const restore = started.restore
