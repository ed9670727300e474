import { Command, InvalidArgumentError } from "commander";
import { eventsDocument } from "./events-document.ts";
import { type EventService, eventServices, ifFound } from "./events-services.ts";
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
    .argument("[source]", "the service it happened in; all events that are set aside if it is left out")
    .argument("[id]", "the id of the event; all of the source if it is left out")
    .action(async (source: string | undefined, id: string | undefined, options: RegistryOptions) => {
      process.exitCode = await retryEvents({ source, id }, options, ownSurroundings());
    });
  const drop = new Command("drop")
    .description("Give up an event that was set aside: it is not handled, and those that wait behind it are.")
    .argument("<source>", "the service it happened in")
    .argument("<id>", "the id of the event")
    .action(async (source: string, id: string, options: RegistryOptions) => {
      process.exitCode = await dropEvent({ source, id }, options, ownSurroundings());
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
  });
}

/** @returns the exit status. */
export function retryEvents(
  { source = "", id = "" }: { source?: string | undefined; id?: string | undefined },
  options: RegistryOptions,
  surroundings: Surroundings,
): Promise<number> {
  const { stdout, signal } = surroundings;
  return withServices(options, surroundings, async (services) => {
    let found = false;
    for (const { name, consumer } of services) {
      const outcome = consumer && (await ifFound(consumer.retrySetAsideEvents({ source, eventId: id }, { signal })));
      if (outcome === undefined) continue;
      found = true;
      stdout.write(`${name}: ${outcome.handledCount} handled, ${outcome.setAsideCount} set aside still\n`);
    }
    if (!found) throw id === "" ? new Refused("no service that runs now handles events") : noneSetAside(source, id);
  });
}

/** @returns the exit status. */
export function dropEvent(
  { source, id }: { source: string; id: string },
  options: RegistryOptions,
  surroundings: Surroundings,
): Promise<number> {
  const { stdout, signal } = surroundings;
  return withServices(options, surroundings, async (services) => {
    let found = false;
    for (const { name, consumer } of services) {
      const dropped = consumer && (await ifFound(consumer.dropSetAsideEvent({ source, eventId: id }, { signal })));
      if (dropped === undefined) continue;
      found = true;
      stdout.write(`${printable(`${name} does not handle ${id} of ${source} any more.`)}\n`);
    }
    if (!found) throw noneSetAside(source, id);
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
    const consumer = services.find((service) => service.name === name)?.consumer;
    if (consumer === undefined) throw new Refused(`no service ${name} runs now that handles events`);
    await consumer.replayEvents({ source, since }, { signal });
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

function noneSetAside(source: string, id: string): Refused {
  return new Refused(`no service has set aside an event ${id} of ${source}; "bookmesh events" shows those that are`);
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
  bookmesh events drop orders 6f9c…                          give one up
  bookmesh events replay recommendations orders --since 2026-11-21`;

const SHOW_HELP = `
Examples:
  bookmesh events
  bookmesh events show --json | jq '.consumers[] | {consumer, behind: [.sources[].behind]}'

An event that cannot be handled is tried five times, then set aside; later ones of the same subject wait behind it.`;
