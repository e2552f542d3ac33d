import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Words of an old-fashioned English that few users write. Each is a sign of a sentence that has to be read twice. */
const MARKERS: readonly RegExp[] = [
  /\b(?:whoever|whatever|whichever|wherever|whomever|whosoever)\b/gi,
  /\b(?:nobody|somebody|everybody)\b/gi,
  /\ball the same\b/gi,
  /\bof its own\b/gi,
  /\bcomes? to\b/gi,
  /\b(?:anew|beside|besides|heed|lest|upon|therein|thereof|amid|midst|whence|hence|thus)\b/gi,
  /\bwritten down\b/gi,
  /\bas far as\b/gi,
  /\b(?:neither|nor)\b/gi,
  /(?:^|[.:;] |\n)(?:What|Whoever|Whatever|Who) (?:\w+ )+(?:is|are|was|were|has|does)\b/g,
  /\bno (?:longer|more|other|sooner)\b/gi,
]

/** How often the markers stand in a thousand words of prose. */
export function markersIn(texts: readonly string[]): {
  readonly words: number
  readonly perThousand: number
} {
  let words = 0
  let markers = 0
  for (const text of texts) {
    words += text.match(/[A-Za-z][A-Za-z'’-]*/g)?.length ?? 0
    for (const marker of MARKERS) markers += text.match(marker)?.length ?? 0
  }
  return { words, perThousand: words === 0 ? 0 : (markers / words) * 1000 }
}

/** The prose of a page: no code, no tables, no addresses. */
export function proseOf(page: string): string {
  return page
    .replace(/```[\s\S]*?```/g, '')
    .replace(/^\|.*$/gm, '')
    .replace(/`[^`]*`/g, '')
    .replace(/\]\([^)]*\)/g, ']')
}

/** The comments of a source. */
export function commentsOf(source: string): string {
  const blocks = source.match(/\/\*\*?[\s\S]*?\*\//g) ?? []
  const lines = source.match(/(?<=^\s*)\/\/ .*$/gm) ?? []
  return [...blocks, ...lines]
    .map((comment) => comment.replace(/^[\s/*]+/gm, '').replace(/`[^`]*`/g, ''))
    .join('\n')
}

/** All files of these folders with that ending, as texts. */
export function textsOf(folders: readonly string[], ending: string): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith(ending))
      .map((name) => readFileSync(join(folder, name), 'utf8')),
  )
}
