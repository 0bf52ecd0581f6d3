// @rudderstack/rudder-sdk-node, packed as it is by default.
import { drive } from "./drive.mjs";

await drive(async (run) => {
  const { default: Analytics } = await import("@rudderstack/rudder-sdk-node");
  const analytics = new Analytics(run.key, { dataPlaneUrl: run.host, flushAt: 10, flushInterval: 100, retryCount: 10, logLevel: "off", errorHandler: () => {} });
  return {
    send: ({ call, timestamp, ...args }, messageId) =>
      new Promise((resolve, reject) => {
        const message = { ...args, messageId, ...(timestamp && { originalTimestamp: timestamp }) };
        analytics[call](message, (error) => (error ? reject(error) : resolve(messageId)));
      }),
    close: async () => {
      while (analytics.queue.length > 0) await analytics.flush();
    },
  };
});
