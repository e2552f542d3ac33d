import type { NotifiedEvent } from './notification.js'

/** The events that one target gets. */
interface Chosen {
  /** @default all events */
  readonly on?: readonly NotifiedEvent[]
}

/** Your own server. It gets the message as JSON, with a signature in the `Purser-Signature` header. */
export interface UrlTarget extends Chosen {
  /** An https address, or an http address of this machine. */
  readonly url: string
  /** The secret of the signature, which your server knows too: at least 16 characters. */
  readonly secret: string
  /**
   * Whether the server may answer a question in its reply. The reply must be signed with the same secret. If the policy
   * has `approval.by`, the answer also needs a signature of a key that it names.
   *
   * @default false
   */
  readonly mayAnswer?: boolean
}

/** A program of this machine. It gets the message as JSON on its standard input. */
export interface CommandTarget extends Chosen {
  /** The program and its arguments. No shell reads them. */
  readonly command: readonly string[]
}

/** A topic of ntfy. */
export interface NtfyTarget extends Chosen {
  /** The address of the topic, for example `https://ntfy.sh/my-topic`. Everybody who knows it can read the messages. */
  readonly ntfy: string
  /** The access token, if the server needs one. */
  readonly token?: string
}

/** A channel of Slack. */
export interface SlackTarget extends Chosen {
  /** The address of an incoming webhook. It is a secret. */
  readonly slack: string
}

/** A chat of Telegram. */
export interface TelegramTarget extends Chosen {
  /** The bot's token, and the id of the chat. */
  readonly telegram: { readonly token: string; readonly chat: string }
  /** The address of the Bot API. @default https://api.telegram.org */
  readonly api?: string
}

/** Where messages go. */
export type NotifyTarget = UrlTarget | CommandTarget | NtfyTarget | SlackTarget | TelegramTarget
