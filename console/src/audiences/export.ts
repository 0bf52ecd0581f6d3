import { api } from '../api';
import { type Cell, csv, download } from '../parts/rows';

const page = 5000;

/** Downloads the members with what is known of them: page by page, so that there may be any number. */
export async function exportMembers(name: string, far: (count: number) => void): Promise<void> {
  const rows: unknown[][] = [];
  let columns: string[] = [];
  for (let after = '-1'; ; ) {
    const sql = `select p.*, m.entered_at, m.entered_reason from profiles p join audience_members m on m.profile_id = p.profile_id
where m.audience = $1 and m.exited_at is null and p.profile_id > cast($2 as bigint) order by p.profile_id limit ${page}`;
    const told = await api.post('/api/v1/query', { body: { sql, params: [name, after], max_rows: page } });
    const got = (told.rows ?? []) as unknown[][];
    columns = (told.columns ?? []).map((c) => c.name);
    rows.push(...got);
    far(rows.length);
    if (got.length < page) break;
    after = String(got[got.length - 1][0]);
  }
  const kept = columns.flatMap((c, i) => (['traits', 'consent', 'computed'].includes(c) ? [] : [{ c, i }]));
  const text = (v: unknown): Cell => (v !== null && typeof v === 'object' ? JSON.stringify(v) : (v as Cell));
  download(
    `${name}.csv`,
    csv(
      rows,
      kept.map(({ c, i }) => ({ key: c, title: c, value: (r: unknown[]) => text(r[i]) })),
    ),
  );
}
