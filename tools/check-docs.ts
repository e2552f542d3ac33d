// Examples in the documentation and in docstrings compile, and its links lead somewhere. How: tools/check/fences.ts.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parsePolicyText } from '../src/policy/file/index.js'
import { ROOT } from './check/entries.js'
import { checkExamples } from './check/examples.js'
import { docstringFences, type Fence, markdownFences } from './check/fences.js'
import { unknownHosts } from './check/hosts.js'
import { report, type Violation } from './check/report.js'
import { sourceFiles } from './check/shape.js'

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const pages = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...(existsSync(join(ROOT, 'docs'))
    ? readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    : []
  )
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].sort()
const sources = sourceFiles(join(ROOT, 'src')).map((path) => relative(ROOT, path))
const fences = [
  ...pages.flatMap((page) => markdownFences(page, read(page))),
  ...sources.flatMap((file) => docstringFences(file, read(file))),
]
console.log(`${fences.length} examples on ${pages.length} pages and in ${sources.length} sources`)
process.exitCode = report('check:docs', [
  ...checkExamples(fences.filter(({ language }) => language === 'ts')),
  ...fences.filter(({ language }) => language === 'yaml').flatMap(checkPolicy),
  ...pages.flatMap(deadLinks),
  // NOTICE.md repeats the words of other people's licences.
  ...[...pages.filter((page) => page !== 'NOTICE.md'), ...sources].flatMap((file) =>
    unknownHosts(file, read(file)),
  ),
])

/** A policy on a page must be one that a purser starts with. */
function checkPolicy({ file, line, code }: Fence): Violation[] {
  try {
    parsePolicyText(code, 'the example')
    return []
  } catch (error) {
    return [{ rule: 'policy', file, line, message: error instanceof Error ? error.message : String(error) }]
  }
}

/** Relative links to files that are not there. */
function deadLinks(page: string): Violation[] {
  return read(page)
    .split('\n')
    .flatMap((text, index) =>
      [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !existsSync(join(ROOT, dirname(page), target)))
        .map(
          (target): Violation => ({
            rule: 'link',
            file: page,
            line: index + 1,
            message: `leads nowhere: ${target}`,
          }),
        ),
    )
}
