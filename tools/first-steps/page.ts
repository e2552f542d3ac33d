/** What a reader does with a page, in its order: writes a file, or types commands. */
export type Step =
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  | { readonly kind: 'commands'; readonly lines: readonly string[]; readonly line: number }
  | { readonly kind: 'code'; readonly text: string; readonly heading: string }
  /** A block without a language: what the commands before it print. `…` stands for anything. */
  | { readonly kind: 'prints'; readonly text: string }

/** The steps of a Markdown page. Code is a file if the text before it ends with the file's name: `` `pay.mjs`: ``. */
export function stepsOf(page: string): Step[] {
  const steps: Step[] = []
  const lines = page.split('\n')
  let heading = ''
  let before = ''
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const fence = /^```(\w*)$/.exec(line)
    if (fence === null) {
      heading = /^#+ (.+)$/.exec(line)?.[1] ?? heading
      if (line.trim() !== '') before = line
      continue
    }
    const end = lines.indexOf('```', at + 1)
    const text = lines.slice(at + 1, end).join('\n')
    steps.push(stepOf(fence[1] ?? '', text, { before, heading, line: at + 2 }))
    at = end
    before = ''
  }
  return steps
}

function stepOf(
  language: string,
  text: string,
  { before, heading, line }: { readonly before: string; readonly heading: string; readonly line: number },
): Step {
  const name = /`([\w.-]+)`:$/.exec(before)?.[1]
  if (language === 'sh')
    return { kind: 'commands', lines: text.split('\n').filter((one) => one.trim() !== ''), line }
  if (language === '') return { kind: 'prints', text }
  return name === undefined ? { kind: 'code', text, heading } : { kind: 'file', name, text: `${text}\n` }
}

/** Shell commands inside the text, as `npx tsx examples/openai.ts`. */
export function inlineCommands(page: string): string[] {
  const prose = page.replace(/^```[\s\S]*?^```$/gm, '')
  return [...prose.matchAll(/`((?:[A-Z_]+=\S+ )*(?:npm|npx|node|git|curl|sh|bash|docker) [^`]+)`/g)].map(
    (match) => match[1] ?? '',
  )
}

/** Does the output have these lines, in this order? `…` stands for any text. */
export function shows(output: string, expected: string): boolean {
  let rest = output.split('\n')
  return expected.split('\n').every((line) => {
    const pattern = new RegExp(`^${line.split('…').map(literal).join('.*')}$`)
    const at = rest.findIndex((one) => pattern.test(one.trimEnd()))
    rest = rest.slice(at + 1)
    return at !== -1
  })
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
