import { Command } from "commander";
import pino from "pino";
import { openChannel } from "../clients/channel.ts";
import { registerClient, sessionClient } from "../clients/register.ts";
import { hostAndPort } from "../runtime/host-port.ts";
import { askRegistry } from "./ask-registry.ts";
import { printable } from "./printable.ts";
import { openAccess, type RegistryAccess } from "./registry-access.ts";
import { type RegistryOptions, withRegistryOptions } from "./registry-option.ts";
import { ownSurroundings, Refused, runCommand, type Surroundings } from "./run-command.ts";

const HELP = `
Examples:
  bookmesh administrator ada@example.com
  bookmesh administrator 7434029 --revoke
It holds for access tokens that are given from now on: those of before last for a quarter of an hour.`;

/** `bookmesh administrator` */
export function administratorCommand(): Command {
  const command = new Command("administrator")
    .description("Let a user administer the shop.")
    .argument("<user>", "the e-mail address or the id")
    .option("--revoke", "take it back")
    .addHelpText("after", HELP)
    .action(async (user: string, options: RegistryOptions & { revoke?: boolean }) => {
      process.exitCode = await setAdministrator(user, options, ownSurroundings());
    });
  return withRegistryOptions(command);
}

/** @param user an e-mail address or an id. @returns the exit status. */
export function setAdministrator(
  user: string,
  options: RegistryOptions & { revoke?: boolean },
  surroundings: Surroundings,
): Promise<number> {
  const { env, stdout, signal } = surroundings;
  return runCommand(surroundings, async () => {
    using access = await openAccess(options, env);
    const logger = pino({ level: "silent" });
    const channel = openChannel(await addressOf("register", access), { service: "register", credentials: access.credentials });
    try {
      const key = user.includes("@") ? ({ $case: "email", value: user } as const) : ({ $case: "userId", value: user } as const);
      const { user: found } = await registerClient(channel, logger).checkRegistered({ key }, { signal });
      if (found === undefined) throw new Refused(`${user} is not registered`);
      const administrator = options.revoke !== true;
      await sessionClient(channel, logger).setAdministrator({ userId: found.id, administrator }, { signal });
      const outcome = administrator ? "administers the shop" : "does not administer the shop any more";
      stdout.write(`${printable(`${found.name} (${found.id}) ${outcome}.`)}\n`);
    } finally {
      channel.close();
    }
  });
}

/** @returns "host:port" of an instance that works. @throws Refused if there is none. */
async function addressOf(service: string, access: RegistryAccess): Promise<string> {
  const states = await askRegistry(access, async ({ registry }) => (await registry.listServices({})).services);
  const instances = states.find(({ name }) => name === service)?.instances ?? [];
  const { instance } = instances.find(({ inEndpoints }) => inEndpoints) ?? {};
  if (instance === undefined) throw new Refused(`no instance of ${service} works now`);
  return hostAndPort(instance.address, instance.port);
}
