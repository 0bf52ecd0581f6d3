// analytics-node 6, the classic one. Its flush sends one batch, and its errors come by callback.
import { drive } from "./drive.mjs";

await drive(async (run) => {
  const { default: Analytics } = await import("analytics-node");
  const analytics = new Analytics(run.key, { host: run.host, flushAt: 10, flushInterval: 100, errorHandler: () => {} });
  return {
    send: ({ call, ...args }, messageId) =>
      new Promise((resolve, reject) => {
        analytics[call]({ ...args, messageId }, (error) => (error ? reject(error) : resolve(messageId)));
      }),
    close: async () => {
      while (analytics.queue.length > 0) await analytics.flush();
    },
  };
});
