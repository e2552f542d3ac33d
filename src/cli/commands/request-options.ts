import type { Command } from 'commander'

/** Adds the options of a request, with the letters of curl. */
export function withRequestOptions(command: Command): Command {
  return command
    .option('-X, --request <METHOD>', 'the method')
    .option('-H, --header <HEADER>', 'a header "NAME: VALUE", or @FILE with headers; repeatable', collect)
    .option('-d, --data <DATA>', 'a body, or @FILE, or @- for stdin; repeatable', collect)
    .option('--data-binary <DATA>', 'the same, with line breaks kept', collect)
    .option('--agent <NAME>', 'the agent that pays, as the policy names it')
    .option('--task <NAME>', 'the task that pays')
    .option('--max <AMOUNT>', 'the most that this call may cost, for example 0.02. It only lowers limits')
}

/** Collects the values of an option that may be repeated. */
export function collect(one: string, before: readonly string[] = []): readonly string[] {
  return [...before, one]
}
