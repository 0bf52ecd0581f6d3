// posthog-node, which speaks another protocol. It reports what it has sent, request by request.
import { randomUUID } from "node:crypto";
import { drive } from "./drive.mjs";

await drive(async (run) => {
  const { PostHog } = await import("posthog-node");
  const client = new PostHog(run.key, { host: run.host, flushAt: 10, flushInterval: 100, maxQueueSize: 100_000, requestTimeout: 3000, fetchRetryDelay: 300, disableGeoip: false });
  const waiting = new Map();
  const settle = (message, error) => {
    const call = waiting.get(message?.uuid);
    waiting.delete(message?.uuid);
    if (call) error ? call.reject(error) : call.resolve(message.uuid);
  };
  client.on("flush", (messages) => messages.forEach((message) => settle(message)));
  const send = ({ call, userId, anonymousId, ...args }) => {
    const distinctId = userId ?? anonymousId;
    switch (call) {
      case "identify":
        client.identify({ distinctId, properties: { $set: args.traits, $anon_distinct_id: anonymousId } });
        return undefined; // it has no way to give or tell an id
      case "group":
        client.groupIdentify({ groupType: "company", groupKey: args.groupId, properties: args.traits, distinctId });
        return undefined;
      case "alias":
        client.alias({ distinctId, alias: args.previousId });
        return undefined;
    }
    const uuid = randomUUID();
    const named = { page: { $current_url: "https://shop.example/", title: args.name }, screen: { $screen_name: args.name } }[call];
    client.capture({
      distinctId,
      uuid,
      event: args.event ?? { page: "$pageview", screen: "$screen" }[call],
      timestamp: args.timestamp,
      properties: { ...args.properties, ...named, ...(!userId && { $device_id: anonymousId }) },
    });
    return uuid;
  };
  return {
    send: (call) =>
      new Promise((resolve, reject) => {
        const uuid = send(call);
        if (uuid) waiting.set(uuid, { resolve, reject });
        else resolve("");
      }),
    close: async () => {
      await client.shutdown(60_000).catch(() => {});
      for (const uuid of [...waiting.keys()]) settle({ uuid }, new Error("not reported as sent"));
    },
  };
});
