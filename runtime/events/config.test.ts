import { z } from "zod";
import { ConfigError, parseConfig } from "../config.ts";
import { eventSettings } from "./config.ts";

const schema = z.object(eventSettings());

test("events go by gRPC and are kept for a month unless it is said otherwise", () => {
  expect(parseConfig(schema, {})).toEqual({ eventRetentionDays: 30, eventPollIntervalMs: 1_000 });
});

test.each(["amqp://localhost", "amqps://user:pa%2Fss@[::1]:5671/shop"])("%s is a broker", (amqpUrl) => {
  expect(parseConfig(schema, { AMQP_URL: amqpUrl })).toMatchObject({ amqpUrl });
});

test.each(["localhost:5672", "amqp:localhost", "amqp://", "http://localhost", "amqp://user:secret@host:port"])(
  "%s is none, and is not repeated",
  (amqpUrl) => {
    const parse = () => parseConfig(schema, { AMQP_URL: amqpUrl });

    expect(parse).toThrow(new ConfigError("bad configuration\n  AMQP_URL: Expected amqp://user:password@host"));
  },
);
