import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BuiltCommand, buildCommand } from '../serve/command.js'

let command: BuiltCommand
const folder = mkdtempSync(join(tmpdir(), 'purser-completion-'))
const scripts = new Map<string, string>()

beforeAll(async () => {
  command = await buildCommand()
  command.install(folder)
  for (const shell of ['bash', 'zsh', 'fish']) {
    const file = join(folder, `purser.${shell}`)
    writeFileSync(file, execFileSync(process.execPath, [command.file, 'completion', shell]))
    scripts.set(shell, file)
  }
})
afterAll(() => {
  command.remove()
  rmSync(folder, { recursive: true })
})

const hasShell = (name: string): boolean => spawnSync(name, ['-c', 'true']).status === 0

/** Runs code in a shell that has `purser` on its path. */
function runIn(shell: string, args: readonly string[], code: string): string {
  const env = { PATH: `${join(folder, 'node_modules', '.bin')}:${process.env['PATH']}`, HOME: folder }
  return execFileSync(shell, [...args, code], {
    env,
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** How each shell is asked what follows the words. */
const SHELLS: Readonly<Record<string, (words: readonly string[]) => string>> = {
  bash: (words) =>
    runIn(
      'bash',
      ['--norc', '-c'],
      `source ${scripts.get('bash')}
       source ${scripts.get('bash')}
       COMP_WORDS=(purser ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}
       _purser; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ),
  zsh: (words) =>
    runIn(
      'zsh',
      ['-f', '-c'],
      `compdef() { true }
       _describe() { print -rl -- $completions }
       _arguments() { true }
       source ${scripts.get('zsh')}
       words=(purser ${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length + 1}
       _purser; true`,
    ),
  fish: (words) =>
    runIn(
      'fish',
      ['--no-config', '-c'],
      `source ${scripts.get('fish')}; complete -C 'purser ${words.join(' ')}'`,
    ),
}

describe.each(Object.keys(SHELLS))('completion in %s', (shell) => {
  const ask = (words: readonly string[]): string[] =>
    (SHELLS[shell]?.(words) ?? '').split('\n').map((line) => line.split(/[\t:]/)[0] ?? '')

  it.skipIf(!hasShell(shell))('offers commands, sub-commands, options and fixed values', () => {
    expect(ask(['pay'])).toEqual(expect.arrayContaining(['payments', 'payment']))
    expect(ask(['policy', 'ch'])).toContain('check')
    expect(ask(['payments', '--s'])).toEqual(expect.arrayContaining(['--since', '--state']))
    expect(ask(['export', '--format', 'c'])).toContain('csv')
    expect(ask(['']).join(' ')).not.toMatch(/\bcomplete\b/)
  })
})

describe('the script for bash', () => {
  it('runs nothing that was typed', () => {
    const trap = join(folder, 'ran')
    SHELLS['bash']?.([`$(touch ${trap})`, ''])
    expect(runIn('bash', ['-c'], `test -e ${trap} && echo ran || echo safe`)).toBe('safe\n')
  })
})
