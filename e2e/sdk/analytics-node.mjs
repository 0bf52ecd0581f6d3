// @segment/analytics-node, which makes message ids of its own.
import { drive } from "./drive.mjs";

await drive(async (run) => {
  const { Analytics } = await import("@segment/analytics-node");
  const analytics = new Analytics({ writeKey: run.key, host: run.host, flushAt: 10, flushInterval: 100, httpRequestTimeout: 3000 });
  return {
    send: ({ call, ...args }) =>
      new Promise((resolve, reject) => {
        analytics[call](args, (error, ctx) => (error ? reject(error) : resolve(ctx.event.messageId)));
      }),
    close: () => analytics.closeAndFlush({ timeout: 60_000 }),
  };
});
