/** One line of a log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** Where the logger of a test writes to: lines to look at and to wait for. */
export class LogLines {
  readonly all: LogLine[] = [];
  readonly #waiting = new Set<{ wanted: LogLine; found: (line: LogLine) => void }>();

  /** The logger calls this. */
  write(json: string): void {
    const line: LogLine = JSON.parse(json);
    this.all.push(line);
    for (const waiter of this.#waiting) {
      if (!matches(line, waiter.wanted)) continue;
      this.#waiting.delete(waiter);
      waiter.found(line);
    }
  }

  /** The lines so far that have these properties. */
  with(wanted: LogLine): LogLine[] {
    return this.all.filter((line) => matches(line, wanted));
  }

  /** The first line that has these properties, as soon as it is written. */
  async find(wanted: LogLine): Promise<LogLine> {
    return this.with(wanted)[0] ?? new Promise((found) => this.#waiting.add({ wanted, found }));
  }
}

function matches(line: LogLine, wanted: LogLine): boolean {
  return Object.entries(wanted).every(([key, value]) => line[key] === value);
}
