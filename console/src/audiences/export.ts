import { addressed, api, type Schema } from '../api';
import { csv, download } from '../parts/rows';

/** The address of a file with all that is known of the members, which the server writes. */
export const fileOf = (name: string) => addressed('/api/v1/export', {}, { what: `audience:${name}`, format: 'csv' });

type Member = Schema<'Membership'>;

/** Downloads who the members are, since when and why: for who may not take out what is known of them. */
export async function listMembers(name: string, far: (count: number) => void): Promise<void> {
  const rows: Member[] = [];
  for (let cursor = ''; ; ) {
    const page = await api.get('/api/v1/audiences/{name}/members', { path: { name }, query: { limit: 1000, cursor } });
    rows.push(...(page.items ?? []));
    far(rows.length);
    if (!page.next) break;
    cursor = page.next;
  }
  const columns = (['profile', 'entered_at', 'reason'] as const).map((key) => ({
    key,
    title: key,
    value: (m: Member) => m[key],
  }));
  download(`${name}.csv`, csv(rows, columns));
}
