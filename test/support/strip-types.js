import { stripTypeScriptTypes } from "node:module";

/** A jest transformer that does what Node does when it runs TypeScript. */
export default {
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
};
