export {
  freezeNotification,
  NOTIFIED_EVENTS,
  type Notification,
  type NotifiedEvent,
  testNotification,
} from './notification.js'
export { notifier, type SentMessage, sendToAll } from './notifier.js'
export type {
  CommandTarget,
  NotifyTarget,
  NtfyTarget,
  SlackTarget,
  TelegramTarget,
  UrlTarget,
} from './targets.js'
