// A process of the demo that pays, and is killed when the money is gone and its answer is not yet handed on.
import { purserFor, type Role } from './stage.js'

process.once('message', async ({ role, url }: { role: Role; url: string }) => {
  const purser = purserFor(role, async (input, init) => {
    const response = await fetch(input, init)
    if (new Headers(init?.headers).has('authorization')) process.kill(process.pid, 'SIGKILL')
    return response
  })
  await purser.fetch(url)
})
