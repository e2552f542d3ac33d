/** An example in documentation. */
export interface Fence {
  readonly file: string
  /** `yaml` examples are policy documents. */
  readonly language: 'ts' | 'yaml'
  /** Line of the example's first line of code, from 1. */
  readonly line: number
  readonly code: string
  /** Code that the reader does not see, put before it. */
  readonly setup: string
  /** Line of the setup's first line of code. */
  readonly setupLine: number
  /** Does it go on where the fence before it in the same file ended? */
  readonly continues: boolean
  /** An example in a docstring: what the house exports is in scope, its own file first. */
  readonly docstring: boolean
}

const COMMENT = /^<!--\s*check:\s*(continue)?\s*$|^<!--\s*check:\s*(continue)?\s*-->\s*$/

/**
 * The `ts` fences of a Markdown page, and the `yaml` ones that hold a whole policy (their first line is `version: 1`).
 * A comment before a fence sets it up, in one of two ways or both: `continue`
 * puts the example after the one before it, and lines of code are put before it.
 *
 * ```md
 * <!-- check: continue
 * declare const key: string
 * -->
 * ```
 */
export function markdownFences(file: string, text: string): Fence[] {
  const lines = text.split('\n')
  const fences: Fence[] = []
  let setup = none()
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const comment = COMMENT.exec(line)
    if (comment !== null) {
      const end = line.includes('-->') ? at : lines.indexOf('-->', at)
      if (end === -1) return fences
      setup = {
        setup: lines.slice(at + 1, end).join('\n'),
        setupLine: at + 2,
        continues: (comment[1] ?? comment[2]) !== undefined,
      }
      at = end
    } else if (/^\s*```/.test(line)) {
      const indent = line.length - line.trimStart().length
      const end = lines.findIndex((other, index) => index > at && /^\s*```\s*$/.test(other))
      if (end === -1) return fences
      const code = lines
        .slice(at + 1, end)
        .map((one) => one.slice(Math.min(indent, one.length - one.trimStart().length)))
      const language = languageOf(line, code)
      if (language !== undefined)
        fences.push({ file, language, line: at + 2, code: code.join('\n'), docstring: false, ...setup })
      setup = none()
      at = end
    } else if (line.trim() !== '') setup = none()
  }
  return fences
}

/** The `ts` fences in the docstrings of a source file. */
export function docstringFences(file: string, text: string): Fence[] {
  const fences: Fence[] = []
  for (const comment of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const first = text.slice(0, comment.index).split('\n').length
    const page = comment[0]
      .split('\n')
      .map((line) => line.replace(/^\s*\/?\*+\/?\s?/, ''))
      .join('\n')
    for (const fence of markdownFences(file, page))
      fences.push({ ...fence, line: fence.line + first - 1, docstring: true })
  }
  return fences
}

function languageOf(line: string, code: readonly string[]): Fence['language'] | undefined {
  if (/^\s*```(ts|typescript)\b/.test(line)) return 'ts'
  return /^\s*```yaml\b/.test(line) && code[0] === 'version: 1' ? 'yaml' : undefined
}

function none(): Pick<Fence, 'setup' | 'setupLine' | 'continues'> {
  return { setup: '', setupLine: 0, continues: false }
}
