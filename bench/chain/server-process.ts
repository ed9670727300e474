/** What a server process tells first. */
export interface Listening {
  port: number;
}

/** What a server process answers when it is asked. */
export interface Usage {
  /** CPU time of the process so far, user and system, in milliseconds. */
  cpuMs: number;
}

/** Tells the parent the port, then its CPU time whenever the parent asks. Ends with the parent. */
export function reportToParent(port: number): void {
  const send = (message: Listening | Usage) => process.send?.(message);
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    send({ cpuMs: (user + system) / 1_000 });
  });
  process.on("disconnect", () => process.exit());
  send({ port });
}
