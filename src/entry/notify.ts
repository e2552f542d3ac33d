export type { Notifier, NotifierContext } from '../client/index.js'
export {
  type CommandTarget,
  NOTIFIED_EVENTS,
  type Notification,
  type NotifiedEvent,
  type NotifyTarget,
  type NtfyTarget,
  notifier,
  type SlackTarget,
  type TelegramTarget,
  type UrlTarget,
} from '../notify/index.js'
