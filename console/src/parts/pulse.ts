import { useEffect, useState } from 'react';
import type { Schema } from '../api';
import { useStream } from './stream';

export type Pulse = Schema<'Pulse'>;
type Beat = { at: number; by: Record<string, number> };

const kept = 61;

const beatOf = (p: Pulse): Beat => ({
  at: Date.parse(p.at),
  by: Object.fromEntries((p.sources ?? []).map((s) => [s.source, s.events])),
});

/** Events of a source in each of the last seconds, the oldest first. */
export function perSecond(beats: Beat[], source: string, now: number, seconds: number): number[] {
  const out = Array.from({ length: seconds }, () => 0);
  for (let i = 1; i < beats.length; i++) {
    const [before, after] = [beats[i - 1], beats[i]];
    const came = (after.by[source] ?? 0) - (before.by[source] ?? 0);
    const slot = seconds - 1 - Math.floor((now - after.at) / 1000);
    if (came > 0 && slot >= 0 && slot < seconds) out[slot] += came;
  }
  return out;
}

/** Whether data comes in, as it does; and the rates of the last minute. */
export function usePulse() {
  const [pulse, setPulse] = useState<Pulse>();
  const [beats, setBeats] = useState<Beat[]>([]);
  const [now, setNow] = useState(() => Date.now());
  const connected = useStream('/api/v1/status/stream', {
    pulse: (p: Pulse) => {
      setPulse(p);
      setBeats((old) => [...old.slice(-kept), beatOf(p)]);
    },
  });
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  // The server's clock may differ from the browser's: what counts is since its latest word.
  const skew = beats.length > 0 ? Math.max(0, (beats.at(-1)?.at ?? 0) - now) : 0;
  return { pulse, connected, rates: (source: string) => perSecond(beats, source, now + skew, 60) };
}
