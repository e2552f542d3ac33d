// A route of the Edge runtime: the same as in a Worker.
import { answer } from '../../../worker.js'

export const runtime = 'edge'

export async function GET() {
  return Response.json(await answer(process.env))
}
