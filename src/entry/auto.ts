import { startFromEnvironment } from '../auto/index.js'

/**
 * Installs a purser from the environment and a policy file: `node --import purser/auto agent.js`.
 *
 * `PURSER_POLICY` (file), `PURSER_TEMPO_KEY` or `PURSER_TEMPO_KEY_FILE`, and where wanted `PURSER_AGENT`,
 * `PURSER_LEDGER` (file), `PURSER_TEMPO_RPC` (`4217=https://…`).
 */
export const { purser, restore } = await startFromEnvironment(process.env)
