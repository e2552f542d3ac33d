import { resolve } from 'node:path'
import type { CommonOptions } from './shell.js'

/**
 * Returns the environment with the options of a command. An option is the setting of the same name, and has precedence
 * over its variable.
 */
export function environmentWith(
  { config, policy, ledger, agent }: CommonOptions & { readonly agent?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const changed = { ...env }
  if (config !== undefined) changed['PURSER_CONFIG'] = resolve(config)
  if (policy !== undefined) changed['PURSER_POLICY'] = resolve(policy)
  if (ledger !== undefined) changed['PURSER_LEDGER'] = resolve(ledger)
  if (agent !== undefined) changed['PURSER_AGENT'] = agent
  return changed
}
