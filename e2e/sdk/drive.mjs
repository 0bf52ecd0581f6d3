// What all drivers share: they are told what to do in one argument, say on descriptor 3 what the
// library reported of each call, one line of JSON each, and end once their input is closed.
//
// A job is {sdk, mode, skew, runs: [{name, host, key, ...}]}:
//   script  the calls of script.json, and then as many as fill several requests
//   burst   a few calls at once, for each run
//   stream  call after call until a line comes in
import { readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";

export const job = JSON.parse(process.argv[2]);

// The test makes the same calls; see sdk_go_test.go.
const padding = 12_000; // bytes of each call after the script
const burst = 12;

// shifted is the clock of a machine that is wrong by so many milliseconds.
export function shifted(skew) {
  const Right = Date;
  globalThis.Date = class Date extends Right {
    constructor(...args) {
      if (args.length === 0) super(Right.now() + skew);
      else super(...args);
    }
    static now() {
      return Right.now() + skew;
    }
  };
}

// calls are those of a job, for the driver and, as JSON, for a page.
export function calls(mode, run) {
  if (mode === "burst") {
    return Array.from({ length: burst }, (_, n) => track(n, run, { run: run.name, n }));
  }
  const text = readFileSync(new URL("script.json", import.meta.url), "utf8").replaceAll("{sdk}", job.sdk);
  const script = JSON.parse(text).map((call, n) => ({ ...call, n }));
  return script.concat(Array.from({ length: run.loads }, (_, i) => track(script.length + i, run, { run: run.name, n: script.length + i, pad: "x".repeat(padding) })));
}

// track is one call after the script.
export function track(n, run, properties) {
  return { n, call: "track", userId: `ann-${job.sdk}`, event: "Load", properties };
}

// revive makes dates of {"$date": ...}, and an event's time of how long ago it was.
export function revive(value) {
  if (Array.isArray(value)) return value.map(revive);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$date === "string") return new Date(value.$date);
  const out = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, revive(v)]));
  if (out.ago) {
    out.timestamp = new Date(Date.now() - out.ago);
    delete out.ago;
  }
  return out;
}

// told says what the library reported of a call: its message id, or why it gave up.
export function told(run, n, id, error) {
  writeSync(3, JSON.stringify({ run: run.name, n, id, error: error === undefined ? undefined : String(error?.message ?? error) }) + "\n");
}

// stopped is kept once the test wants no more calls, and says so in a line; released once it has
// closed our input.
const lines = createInterface({ input: process.stdin });
export const released = new Promise((resolve) => lines.on("close", resolve));
export const stopped = Promise.race([released, new Promise((resolve) => lines.on("line", resolve))]);

// drive runs the job. open makes a client: {send(call) -> promise of the message id, close()}.
export async function drive(open) {
  process.on("unhandledRejection", () => {}); // libraries leave some; what counts is what is stored
  shifted(job.skew ?? 0);
  await Promise.all(job.runs.map((run) => one(open, run)));
  await released;
  process.exit(0);
}

async function one(open, run) {
  const client = await open(run);
  const under = new Set();
  const send = (call) => {
    const { n, ...rest } = revive(call);
    const p = client.send(rest, `${job.sdk}-${run.name}-${n}`).then(
      (id) => told(run, n, id),
      (error) => told(run, n, undefined, error),
    );
    under.add(p);
    p.finally(() => under.delete(p));
  };
  if (job.mode === "stream") {
    let ended = false;
    stopped.then(() => (ended = true));
    for (let n = 0; !ended; n++) {
      send(track(n, run, { run: run.name, n }));
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
  } else {
    calls(job.mode, run).forEach(send);
  }
  await client.close();
  await Promise.all(under);
}
