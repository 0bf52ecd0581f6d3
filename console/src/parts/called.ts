// What people are called. Names that a page wants at the same moment are asked for at once.
import { useQuery } from '@tanstack/react-query';
import { api, type Schema } from '../api';
import { nameOf } from '../customers/person';

type Called = Schema<'ProfileName'>;

const most = 200; // as many as the API answers at once
let waiting: { id: string; tell: (name: Called | null) => void; fail: (error: unknown) => void }[] = [];

const ask = (id: string) =>
  new Promise<Called | null>((tell, fail) => {
    waiting.push({ id, tell, fail });
    if (waiting.length === 1) setTimeout(askAll);
  });

async function askAll() {
  const [now, later] = [waiting.slice(0, most), waiting.slice(most)];
  waiting = later;
  if (later.length > 0) setTimeout(askAll);
  try {
    const { items } = await api.post('/api/v1/profiles/names', { body: { ids: now.map((w) => w.id) } });
    for (const w of now) w.tell(items?.find((n) => n.id === w.id) ?? null);
  } catch (error) {
    for (const w of now) w.fail(error);
  }
}

/** What a profile is called; '' until it is known, and for who has no name. */
export function useCalled(id: string, wanted: boolean): string {
  const { data } = useQuery({
    queryKey: ['profile', 'called', id],
    enabled: wanted,
    queryFn: () => ask(id),
    staleTime: 5 * 60_000,
  });
  return data ? nameOf({ traits: data.traits, identifiers: data.identifier && [data.identifier] }) : '';
}
