import { Command, InvalidArgumentError } from "commander";
import { askServices, ifFound, requireAll } from "./events-answers.ts";
import { eventsDocument } from "./events-document.ts";
import { type EventService, eventServices } from "./events-services.ts";
import { eventsText } from "./events-text.ts";
import { printable } from "./printable.ts";
import { openAccess } from "./registry-access.ts";
import { type RegistryOptions, withRegistryOptions } from "./registry-option.ts";
import { ownSurroundings, Refused, runCommand, type Surroundings } from "./run-command.ts";

export interface EventsOptions extends RegistryOptions {
  json?: boolean;
}

/** `bookmesh events`, with `show`, `retry`, `drop` and `replay`. */
export function eventsCommand(): Command {
  const show = new Command("show")
    .description("Show what services tell of, who has handled it how far, and what could not be handled (the default).")
    .option("--json", "one JSON document, for programs")
    .addHelpText("after", SHOW_HELP)
    .action(async (options: EventsOptions) => {
      process.exitCode = await showEvents(options, ownSurroundings());
    });
  const retry = new Command("retry")
    .description("Handle events again that were set aside, and those that wait behind them.")
    .argument("[consumer]", "the service that has set it aside; all of them if it is left out")
    .argument("[source]", "the service it happened in; all events that the consumer has set aside if it is left out")
    .argument("[id]", "the id of the event; all of the source if it is left out")
    .action(
      async (consumer: string | undefined, source: string | undefined, id: string | undefined, options: RegistryOptions) => {
        process.exitCode = await retryEvents({ consumer, source, id }, options, ownSurroundings());
      },
    );
  const drop = new Command("drop")
    .description(
      "Give up an event that a service has set aside: that one does not handle it, and handles those that wait behind it.",
    )
    .argument("<consumer>", "the service that has set it aside; for others nothing changes")
    .argument("<source>", "the service it happened in")
    .argument("<id>", "the id of the event")
    .action(async (consumer: string, source: string, id: string, options: RegistryOptions) => {
      process.exitCode = await dropEvent({ consumer, source, id }, options, ownSurroundings());
    });
  const replay = new Command("replay")
    .description("Handle again what has happened since a time. What it has led to already it does not lead to twice.")
    .argument("<consumer>", "the service that handles it")
    .argument("<source>", "the service it happened in")
    .requiredOption("--since <time>", "from when on: 2026-11-21, 2026-11-21T20:00:00Z", parseTime)
    .action(async (consumer: string, source: string, options: RegistryOptions & { since: Date }) => {
      process.exitCode = await replayEvents({ consumer, source, since: options.since }, options, ownSurroundings());
    });

  const events = new Command("events")
    .description("Show the events that services tell each other of, and deal with those that could not be handled.")
    .addHelpText("after", HELP);
  for (const command of [show, retry, drop, replay]) {
    events.addCommand(withRegistryOptions(command), { isDefault: command === show });
  }
  return events;
}

/** @returns the exit status. */
export function showEvents(options: EventsOptions, surroundings: Surroundings): Promise<number> {
  const { stdout, signal } = surroundings;
  return withServices(options, surroundings, async (services) => {
    const document = await eventsDocument(services, signal);
    stdout.write(options.json ? `${JSON.stringify(document, undefined, 2)}\n` : eventsText(document, new Date()));
    const silent = new Set(document.unanswered.map(({ service }) => service));
    if (silent.size > 0) throw new Refused(`no answer from ${[...silent].join(", ")}`);
  });
}

/** @returns the exit status. */
export function retryEvents(
  which: { consumer?: string | undefined; source?: string | undefined; id?: string | undefined },
  options: RegistryOptions,
  surroundings: Surroundings,
): Promise<number> {
  const { stdout, signal } = surroundings;
  const { consumer: name, source = "", id = "" } = which;
  return withServices(options, surroundings, async (services) => {
    const asked = name === undefined ? services.filter(({ consumer }) => consumer) : [consumerNamed(services, name)];
    if (asked.length === 0) throw new Refused("no service that runs now handles events");
    const answers = await askServices(asked, ({ consumer }) => {
      return consumer && ifFound(consumer.retrySetAsideEvents({ source, eventId: id }, { signal }));
    });
    const found = answers.given.flatMap(({ service, answer }) => (answer === undefined ? [] : [{ service, ...answer }]));
    for (const { service, handledCount, setAsideCount } of found) {
      stdout.write(`${service}: ${handledCount} handled, ${setAsideCount} set aside still\n`);
    }
    requireAll(answers);
    if (found.length === 0) throw noneSetAside(name, source, id);
  });
}

/** @returns the exit status. */
export function dropEvent(
  { consumer: name, source, id }: { consumer: string; source: string; id: string },
  options: RegistryOptions,
  surroundings: Surroundings,
): Promise<number> {
  const { stdout, signal } = surroundings;
  return withServices(options, surroundings, async (services) => {
    const answers = await askServices([consumerNamed(services, name)], ({ consumer }) => {
      return consumer && ifFound(consumer.dropSetAsideEvent({ source, eventId: id }, { signal }));
    });
    const [dropped] = requireAll(answers);
    if (dropped === undefined) throw noneSetAside(name, source, id);
    stdout.write(`${printable(`${name} does not handle ${id} of ${source} any more.`)}\n`);
  });
}

/** @returns the exit status. */
export function replayEvents(
  { consumer: name, source, since }: { consumer: string; source: string; since: Date },
  options: RegistryOptions,
  surroundings: Surroundings,
): Promise<number> {
  const { stdout, signal } = surroundings;
  return withServices(options, surroundings, async (services) => {
    requireAll(
      await askServices([consumerNamed(services, name)], ({ consumer }) => consumer?.replayEvents({ source, since }, { signal })),
    );
    const sentence = `${name} handles again what has happened in ${source} since ${since.toISOString()}; "bookmesh events" shows how far it is.`;
    stdout.write(`${printable(sentence)}\n`);
  });
}

function withServices(
  options: RegistryOptions,
  surroundings: Surroundings,
  work: (services: readonly EventService[]) => Promise<void>,
): Promise<number> {
  return runCommand(surroundings, async () => {
    using access = await openAccess(options, surroundings.env);
    using found = await eventServices(access);
    await work(found.services);
  });
}

function consumerNamed(services: readonly EventService[], name: string): EventService {
  const service = services.find((one) => one.name === name && one.consumer !== undefined);
  if (service === undefined) throw new Refused(`no service ${name} runs now that handles events`);
  return service;
}

function noneSetAside(consumer: string | undefined, source: string, id: string): Refused {
  const none = consumer === undefined ? "no service has set aside" : `${consumer} has not set aside`;
  return new Refused(`${none} an event ${id} of ${source}; "bookmesh events" shows those that are`);
}

function parseTime(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new InvalidArgumentError("Expected a time such as 2026-11-21T20:00:00Z.");
  return time;
}

const HELP = `
Examples:
  bookmesh events                                            logs, who handles them, what is set aside
  bookmesh events retry                                      all that is set aside, once what was wrong is mended
  bookmesh events retry push orders 6f9c…                    one event that push has set aside
  bookmesh events drop push orders 6f9c…                     push gives it up; others that have set it aside do not
  bookmesh events replay recommendations orders --since 2026-11-21`;

const SHOW_HELP = `
Examples:
  bookmesh events
  bookmesh events show --json | jq '.consumers[] | {consumer, behind: [.sources[].behind]}'

An event that cannot be handled is tried five times, then set aside; later ones of the same subject wait behind it.
A service that does not answer is shown with the reason; the command then ends with 65, and what the others say is there.`;
