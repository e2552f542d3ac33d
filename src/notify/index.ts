export {
  NOTIFIED_EVENTS,
  type Notification,
  type NotifiedEvent,
} from './notification.js'
export { type NotifyTest, notifier, testTargets } from './notifier.js'
export type {
  CommandTarget,
  NotifyTarget,
  NtfyTarget,
  SlackTarget,
  TelegramTarget,
  UrlTarget,
} from './targets.js'
