import { Scroll } from './page';

/** A small table: names in its first column, figures behind it. Nothing without rows. */
export function Sheet({ head, rows }: { head: string[]; rows: React.ReactNode[][] }) {
  if (rows.length === 0) return null;
  return (
    <Scroll>
      <table className="table" data-narrow>
        <thead>
          <tr>
            {head.map((h, i) => (
              <th key={h} data-end={i > 0 || undefined}>
                {h.charAt(0).toLocaleUpperCase() + h.slice(1)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((r) => (
            <tr key={String(r[0])}>
              {r.map((v, i) => (
                <td key={head[i]} data-end={i > 0 || undefined}>
                  {i === 0 && typeof v === 'string' ? <bdi>{v}</bdi> : v}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
