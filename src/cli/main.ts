#!/usr/bin/env node
import { run } from './program.js'

// The loop may still have idle sockets and timers: the program ends when its command has ended.
process.exit(await run(process.argv.slice(2), process))
