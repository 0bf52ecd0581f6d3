import { Table } from '@mantine/core';

/** A small table: names in its first column, figures behind it. Nothing without rows. */
export function Sheet({ head, rows }: { head: string[]; rows: React.ReactNode[][] }) {
  if (rows.length === 0) return null;
  return (
    <Table.ScrollContainer minWidth={0} type="native" tabIndex={0}>
      <Table verticalSpacing={4} horizontalSpacing={6} fz="sm">
        <Table.Thead>
          <Table.Tr>
            {head.map((h, i) => (
              <Table.Th key={h} ta={i > 0 ? 'end' : undefined} fz="xs" c="dimmed">
                {h.charAt(0).toLocaleUpperCase() + h.slice(1)}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((r) => (
            <Table.Tr key={String(r[0])}>
              {r.map((v, i) => (
                <Table.Td key={head[i]} ta={i > 0 ? 'end' : undefined}>
                  {v}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
