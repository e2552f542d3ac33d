import { existsSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
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
  if (policy !== undefined) {
    // Purser reads no usual settings file beside PURSER_POLICY. But `--policy` replaces one setting, and not all of them.
    const usual = usualConfig(env)
    if (usual !== undefined) changed['PURSER_CONFIG'] ??= usual
    changed['PURSER_POLICY'] = resolve(policy)
  }
  if (ledger !== undefined) changed['PURSER_LEDGER'] = resolve(ledger)
  if (agent !== undefined) changed['PURSER_AGENT'] = agent
  return changed
}

function usualConfig(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const folder = (env['PURSER_POLICY'] ?? '') === '' ? settingsFolder(env) : undefined
  const path = folder === undefined ? undefined : join(folder, 'config.yaml')
  return path !== undefined && existsSync(path) ? path : undefined
}

/** Returns the folder of the user's settings: `$XDG_CONFIG_HOME/purser`, or `~/.config/purser`. */
export function settingsFolder(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { XDG_CONFIG_HOME: xdg, HOME: home } = env
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'purser')
  return home !== undefined && isAbsolute(home) ? join(home, '.config', 'purser') : undefined
}
