// The browser libraries, each in pages of a real Chromium. A run has a page of its own, in a
// context of its own, from a server that is not the one events go to: so every call is one of
// another origin. run.page is the page's HTML where the test has one (the hosted library).
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import puppeteer from "puppeteer-core";
import { calls, job, released, stopped, told, track } from "./drive.mjs";

const packaged = (path) => new URL("node_modules/" + path, import.meta.url);
const files = {
  "/next.js": packaged("@segment/analytics-next/dist/umd/index.js"),
  "/rudder.js": packaged("@rudderstack/analytics-js/dist/npm/modern/bundled/esm/index.mjs"), // what "@rudderstack/analytics-js/bundled" imports
};

const pages = {
  // From npm, as docs/sources.md says; batching is an option of the library's.
  next: (run) => `<script src="/next.js"></script><script>
    window.analytics = AnalyticsNext.AnalyticsBrowser.load({ writeKey: ${JSON.stringify(run.key)}, cdnURL: ${JSON.stringify(run.host)} },
      ${JSON.stringify(run.batching ? { integrations: { "Segment.io": { deliveryStrategy: { strategy: "batching", config: { size: 10, timeout: 200 } } } } } : {})});
  </script>`,
  rudder: (run) => `<script type="module">
    import { RudderAnalytics } from "/rudder.js";
    window.analytics = new RudderAnalytics();
    analytics.load(${JSON.stringify(run.key)}, ${JSON.stringify(run.host)}, { configUrl: ${JSON.stringify(run.host)}${run.beacon ? ", useBeacon: true, beaconQueueOptions: { flushQueueInterval: 300 }" : ""} });
  </script>`,
};

function serve() {
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://page");
    if (files[pathname]) {
      response.setHeader("Content-Type", "text/javascript");
      return response.end(await readFile(files[pathname]));
    }
    const run = job.runs.find((r) => r.name === searchParams.get("run"));
    if (!run) return response.writeHead(404).end();
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(`<!doctype html><html><head><title>Cửa hàng</title>${run.page ?? pages[job.library](run)}</head><body></body></html>`);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

// Everything below runs in the page.

function clock(skew) {
  const Right = Date;
  window.Date = class Date extends Right {
    constructor(...args) {
      if (args.length === 0) super(Right.now() + skew);
      else super(...args);
    }
    static now() {
      return Right.now() + skew;
    }
  };
}

function makeSend(library) {
  const revive = (value) => {
    if (Array.isArray(value)) return value.map(revive);
    if (value === null || typeof value !== "object") return value;
    if (typeof value.$date === "string") return new Date(value.$date);
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, revive(v)]));
  };
  const options = ({ ago }) => (ago ? { [library === "rudder" ? "originalTimestamp" : "timestamp"]: library === "rudder" ? new Date(Date.now() - ago).toISOString() : new Date(Date.now() - ago) } : {});
  const rudder = (name, ...args) => new Promise((resolve) => analytics[name](...args, (message) => resolve(message.messageId)));
  const segment = async (name, ...args) => (await analytics[name](...args)).event.messageId;
  const send = library === "rudder" ? rudder : segment;
  window.send = async (raw) => {
    const c = revive(raw);
    const o = options(c);
    const id = await {
      page: () => send("page", c.category, c.name, c.properties, o),
      screen: () => (library === "rudder" ? send("page", c.category, c.name, c.properties, o) : send("screen", c.category, c.name, c.properties, o)),
      track: () => send("track", c.event, c.properties, o),
      identify: () => send("identify", c.userId, c.traits, o),
      group: () => send("group", c.groupId, c.traits, o),
      alias: () => send("alias", c.userId, c.previousId, o),
    }[c.call]();
    window.told(c.n, id);
  };
  window.ready = () => (library === "rudder" ? new Promise((resolve) => analytics.ready(resolve)) : true);
}

async function open(browser, origin, run) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  if (process.env.SDK_DEBUG) page.on("console", (m) => console.error(run.name, m.text()));
  await page.exposeFunction("told", (n, id) => told(run, n, id));
  await page.evaluateOnNewDocument(clock, job.skew ?? 0);
  await page.goto(`${origin}/shop?run=${run.name}&colour=đỏ`);
  await page.waitForFunction(() => window.analytics && !Array.isArray(window.analytics)); // the hosted library's snippet begins with a list
  await page.evaluate(makeSend, job.library);
  return page;
}

const server = await serve();
const origin = `http://127.0.0.1:${server.address().port}`;
const browser = await puppeteer.launch({ executablePath: job.chromium, headless: true, pipe: true, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
try {
  await Promise.all(
    job.runs.map(async (run) => {
      const page = await open(browser, origin, run);
      if (job.mode !== "stream") return page.evaluate((all) => all.forEach((call) => window.send(call)), calls(job.mode, run));
      let ended = false;
      stopped.then(() => (ended = true));
      for (let n = 0; !ended; n++) {
        await page.evaluate((call) => void window.send(call), track(n, run, { run: run.name, n }));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }),
  );
  await released;
} finally {
  await browser.close();
  server.close();
}
process.exit(0);
