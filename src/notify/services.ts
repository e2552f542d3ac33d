import type { Notification } from './notification.js'
import type { NtfyTarget, SlackTarget, TelegramTarget } from './targets.js'

/** A request to a service. */
export interface ServiceRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** ntfy turns a longer message into an attachment. Its limit is 4,096 bytes. */
const NTFY_BYTES = 4000
/** Slack refuses a longer text of a block. Its limit is 3,000 characters. */
const SLACK_CHARACTERS = 2900
/** Telegram refuses a longer text. Its limit is 4,096 characters. */
const TELEGRAM_CHARACTERS = 4000

/** Creates the request to ntfy: JSON at the root of its server, so that no text of a message is in a header. */
export function ntfyRequest({ ntfy, token }: NtfyTarget, message: Notification): ServiceRequest {
  const url = new URL(ntfy)
  const at = url.pathname.lastIndexOf('/')
  const topic = decodeURIComponent(url.pathname.slice(at + 1))
  return {
    url: `${url.origin}${url.pathname.slice(0, at + 1)}`,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    body: JSON.stringify({
      topic,
      title: message.title,
      message: cutBytes(message.text, NTFY_BYTES),
      priority: message.type === 'approval_request' || message.type === 'freeze' ? 4 : 3,
    }),
  }
}

/** Creates the request to Slack. The texts are `plain_text`, so that Slack reads no markup in the words of a server. */
export function slackRequest({ slack }: SlackTarget, message: Notification): ServiceRequest {
  const plain = (text: string) => ({
    type: 'section',
    text: { type: 'plain_text', text: cut(text, SLACK_CHARACTERS), emoji: false },
  })
  return {
    url: slack,
    headers: {},
    body: JSON.stringify({
      text: escapeSlack(message.title),
      blocks: [plain(message.title), ...(message.text === '' ? [] : [plain(message.text)])],
      unfurl_links: false,
      unfurl_media: false,
    }),
  }
}

/** Creates the request to Telegram. It has no `parse_mode`, so that Telegram reads no markup. */
export function telegramRequest(
  { telegram, api = 'https://api.telegram.org' }: TelegramTarget,
  message: Notification,
): ServiceRequest {
  return {
    url: `${api}/bot${telegram.token}/sendMessage`,
    headers: {},
    body: JSON.stringify({
      chat_id: telegram.chat,
      text: cut(`${message.title}\n\n${message.text}`.trim(), TELEGRAM_CHARACTERS),
      link_preview_options: { is_disabled: true },
    }),
  }
}

/** The characters that Slack reads as control characters in a text. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`
}

function cutBytes(text: string, most: number): string {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length <= most) return text
  return `${new TextDecoder().decode(bytes.slice(0, most - 6)).replace(/\uFFFD+$/, '')}…`
}
