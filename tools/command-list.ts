// Writes the list of commands in docs/command-line.md. `test/cli/docs.test.ts` compares it with the program.
import { readFileSync, writeFileSync } from 'node:fs'
import { withCommandList } from './docs/command-list.js'

const page = new URL('../docs/command-line.md', import.meta.url)
writeFileSync(page, withCommandList(readFileSync(page, 'utf8')))
