// A paid vendor of models for the examples, by purser/testing. It speaks like two real ones, and needs no chain and no network.
import { setupServer } from 'msw/node'
import { paidApi } from 'purser/testing'

const WORDS = 'A kettle, leaves, and four minutes of patience.'

const COMPLETION = {
  id: 'completion-1',
  object: 'chat.completion',
  created: 1_750_000_000,
  model: 'small',
  choices: [
    { index: 0, message: { role: 'assistant', content: WORDS }, finish_reason: 'stop', logprobs: null },
  ],
  usage: { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 },
}

const MESSAGE = {
  id: 'message-1',
  type: 'message',
  role: 'assistant',
  model: 'small',
  content: [{ type: 'text', text: WORDS }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 9, output_tokens: 9 },
}

/** Starts https://models.example, where a call costs 0.02 USD. */
export async function startModels(): Promise<{ close(): void }> {
  const api = await paidApi({
    'POST https://models.example/v1/chat/completions': { price: '0.02 USD', answer: COMPLETION },
    'POST https://models.example/v1/messages': { price: '0.02 USD', answer: MESSAGE },
  })
  const server = setupServer(...api.handlers)
  server.listen()
  return server
}
