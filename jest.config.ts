import { availableParallelism } from "node:os";
import type { Config } from "jest";

const config: Config = {
  testMatch: ["**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  // Node strips the types, in tests as in production: no second compiler that could differ.
  transform: { "\\.ts$": "<rootDir>/test/support/strip-types.js" },
  modulePathIgnorePatterns: ["<rootDir>/.bookmesh/"],
  testPathIgnorePatterns: ["/node_modules/", "<rootDir>/test/integration/"],
  testTimeout: 20_000,
  // Many tests start processes of their own: more at once would wait for each other.
  maxWorkers: Math.min(2, availableParallelism()),
};

export default config;
