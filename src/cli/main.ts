#!/usr/bin/env node
import { run } from './program.js'

// The reader of the output may end first, as in `purser payments | head`.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1))
// The loop may still have idle sockets and timers: the program ends when its command has ended.
process.exit(await run(process.argv.slice(2), process))
