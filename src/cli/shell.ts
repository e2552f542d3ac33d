import { Command } from 'commander'
import type { Answer } from './answer.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import { print } from './print.js'
import { type Format, formatOf, type Terminal } from './terminal.js'

/** The options that every command has, as commander reads them. */
export interface CommonOptions {
  readonly json?: boolean | undefined
  readonly text?: boolean | undefined
  /** False for `--no-color`. */
  readonly color?: boolean | undefined
  readonly config?: string | undefined
  readonly policy?: string | undefined
  readonly ledger?: string | undefined
}

/** The input of a command that runs. */
export interface Invocation<Options extends CommonOptions> {
  /** The operands, in the order in which they were typed. */
  readonly args: readonly string[]
  readonly options: Options
  readonly terminal: Terminal
  readonly format: Format
}

/** The code of a command. It returns the answer; a command that writes stdout by itself returns only an exit code. */
export type Action<Options extends CommonOptions> = (
  invocation: Invocation<Options>,
) => Promise<Answer | ExitCode>

/** Creates the commands of one run of `purser`, and keeps its exit code. */
export class Shell {
  readonly #terminal: Terminal
  #code: ExitCode = EXIT.done

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  get terminal(): Terminal {
    return this.#terminal
  }

  get exitCode(): ExitCode {
    return this.#code
  }

  /**
   * Creates a command with the options that all commands have.
   *
   * @param load - Loads the code of the command. It is called when the command runs, so that `--help` loads nothing.
   */
  command<Options extends CommonOptions>(
    name: string,
    description: string,
    load: () => Promise<Action<Options>>,
  ): Command {
    return new Command(name)
      .description(description)
      .option('--json', 'print JSON (the default if stdout is no terminal)')
      .option('--text', 'print text (the default on a terminal)')
      .option('--no-color', 'print without colors')
      .option('--config <FILE>', 'the settings file (default: ~/.config/purser/config.yaml)')
      .option('--policy <FILE>', 'the policy file')
      .option('--ledger <FILE>', 'the ledger file')
      .action(async (...given: readonly unknown[]) => {
        const command = given.at(-1)
        if (command instanceof Command) await this.#run(command, load)
      })
  }

  async #run<Options extends CommonOptions>(
    command: Command,
    load: () => Promise<Action<Options>>,
  ): Promise<void> {
    const options = command.opts<Options>()
    const format = formatOf(options, this.#terminal)
    const action = await load()
    const answer = await action({ args: command.args, options, terminal: this.#terminal, format })
    if (typeof answer === 'number') this.#code = answer
    else
      this.#code = await print(answer, { format, terminal: this.#terminal, color: options.color !== false })
  }
}
