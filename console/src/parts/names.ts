// What conditions can name, with how often the data has it.
import { useQuery } from '@tanstack/react-query';
import { api } from '../api';
import { useMay } from '../rights';

export interface Choice {
  value: string;
  count?: number;
}

const minutes = { staleTime: 5 * 60_000 };
const own = new Set([
  'profile_id',
  'first_seen',
  'last_seen',
  'traits',
  'consent',
  'computed',
  'predictions',
  'source',
]);

/** The columns of profiles; SQL says what they are. */
async function described() {
  const told = await api.post('/api/v1/query', { body: { sql: 'describe profiles' } });
  return (told.rows ?? []).map((r) => String(r?.[0]));
}

/** The same from what questions can name, for who has no SQL. */
async function named() {
  const { tables, dimensions } = await api.get('/api/v1/explore/fields');
  const others = new Set(dimensions?.map((d) => d.name));
  return (tables?.find((t) => t.name === 'profiles')?.columns ?? []).filter((c) => !others.has(c));
}

/** The traits that profiles have, each with how many have it where that may be asked for, and the computed ones. */
export function useTraits(): Choice[] {
  const counts = useMay()('sql');
  const told = useQuery({
    queryKey: ['names', 'traits', counts],
    ...minutes,
    queryFn: async (): Promise<Choice[]> => {
      const columns = (await (counts ? described() : named())).filter((c) => !own.has(c));
      const quoted = columns.map((c) => `count("${c.replaceAll('"', '""')}")`);
      const [counted, computed] = await Promise.all([
        counts && quoted.length > 0
          ? api.post('/api/v1/query', { body: { sql: `select ${quoted.join(', ')} from profiles` } })
          : Promise.resolve({ rows: [[]] }),
        api.get('/api/v1/computed-traits'),
      ]);
      const traits: Choice[] = columns.map((c, i) => ({
        value: c,
        count: counts ? Number(counted.rows?.[0]?.[i] ?? 0) : undefined,
      }));
      traits.sort((a, b) => (b.count ?? 0) - (a.count ?? 0));
      return [...traits, ...(computed.items ?? []).map((c) => ({ value: `computed.${c.name}` }))];
    },
  });
  return told.data ?? [];
}

/** The scores that models give, as definitions name them. */
export function useScores(): Choice[] {
  const told = useModels();
  return (told.data?.items ?? []).flatMap((m) =>
    (m.outputs ?? []).map((o) => ({ value: `predictions.${m.name}.${o.name}`, count: m.scored?.profiles })),
  );
}

const useModels = () => useQuery({ queryKey: ['models'], queryFn: () => api.get('/api/v1/models'), staleTime: 60_000 });

/** The names of events, the most frequent first. */
export function useEvents(): Choice[] {
  const told = useQuery({
    queryKey: ['names', 'events'],
    ...minutes,
    queryFn: () => api.get('/api/v1/values', { query: { of: 'event', limit: 100 } }),
  });
  return told.data?.items ?? [];
}

/** The properties that events of a name have, with how many events have each. */
export function useProperties(event: string): Choice[] {
  const told = useQuery({
    queryKey: ['names', 'properties', event],
    ...minutes,
    enabled: event !== '',
    queryFn: () => api.get('/api/v1/quality/properties', { query: { event } }),
  });
  const seen = new Map<string, number>();
  for (const p of told.data?.items ?? []) seen.set(p.property, (seen.get(p.property) ?? 0) + p.seen);
  return [...seen].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
}

/** The values of a trait, or of a property of an event, that begin with what is typed. */
export function useValues(of: { trait: string } | { event: string; property: string }, prefix: string): Choice[] {
  const query =
    'trait' in of
      ? { of: 'trait' as const, name: of.trait, prefix }
      : { of: 'property' as const, name: of.event, property: of.property, prefix };
  const told = useQuery({
    queryKey: ['names', 'values', query],
    ...minutes,
    enabled: 'trait' in of ? of.trait !== '' : of.event !== '' && of.property !== '',
    queryFn: () => api.get('/api/v1/values', { query }),
    retry: false,
  });
  return told.data?.items ?? [];
}

/** The audiences that there are, with their members. */
export function useAudienceNames(): Choice[] {
  const told = useQuery({ queryKey: ['audiences'], queryFn: () => api.get('/api/v1/audiences') });
  // A draft is nobody's yet.
  const live = (told.data?.items ?? []).filter((a) => a.version || a.filling);
  return live.map((a) => ({ value: a.name, count: a.members }));
}

/** The stages of the lifecycle; none when there is no lifecycle. */
export function useStages(): Choice[] {
  const told = useQuery({
    queryKey: ['names', 'stages'],
    ...minutes,
    queryFn: () => api.get('/api/v1/lifecycle'),
    retry: false,
  });
  return (told.data?.stages ?? []).map((s) => ({ value: s.name }));
}
