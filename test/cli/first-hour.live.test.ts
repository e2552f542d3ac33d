import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { PAGE, recordFirstHour, recordingIn } from './first-hour.js'

it('prints what the page of the command line shows', async () => {
  expect(await recordFirstHour()).toBe(recordingIn(readFileSync(PAGE, 'utf8')))
})
